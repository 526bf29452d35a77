// For servers that are driven harder than any two agents drive each other: what passes is counted, and never too much.

export const unlimitedRates = ['--max-pair-rate', '1000000000', '--max-session-rate', '1000000000'];
