// Certificates for tests, made by openssl: self-signed, or signed by another one of them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  /** The two files, as the configuration takes them. */
  files: { tlsCert: string; tlsKey: string };
  /** PEM: what a client has to trust. */
  ca: string;
}

/** Files `<name>.crt` and `<name>.key` in the folder; what was there before is overwritten. Self-signed without an issuer. */
export function makeCertificate(
  folder: string,
  name: string,
  altNames = 'IP:127.0.0.1,DNS:localhost',
  issuer?: Certificate,
): Certificate {
  const tlsCert = join(folder, `${name}.crt`);
  const tlsKey = join(folder, `${name}.key`);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${altNames}`];
  const signedBy = issuer ? ['-CA', issuer.files.tlsCert, '-CAkey', issuer.files.tlsKey] : [];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-days', '2', ...names, ...signedBy, '-keyout', tlsKey, '-out', tlsCert],
    { stdio: 'pipe' },
  );
  return { files: { tlsCert, tlsKey }, ca: readFileSync(tlsCert, 'utf8') };
}
