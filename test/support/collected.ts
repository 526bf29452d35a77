// Whether anything still holds an object.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** True as soon as nothing does; false where that does not come. */
export async function isCollected(object: WeakRef<object>): Promise<boolean> {
  for (let look = 0; look < 20; look++) {
    // Within the job in which it was last looked at it stays.
    await new Promise(setImmediate);
    collectGarbage();
    if (object.deref() === undefined) return true;
  }
  return false;
}
