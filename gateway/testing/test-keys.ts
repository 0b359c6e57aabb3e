import { exportJWK, generateKeyPair } from 'jose';
import { loadSigningKeys, type SigningKeys } from '../admission/signing-keys.ts';

/** One signing key, of this process alone. */
export async function testSigningKeys(): Promise<SigningKeys> {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  return loadSigningKeys(JSON.stringify([{ ...(await exportJWK(privateKey)), kid: 'k1' }]));
}
