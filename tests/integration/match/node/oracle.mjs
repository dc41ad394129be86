// A second implementation of RFC 9497: a client of the hub's answers, and the function with the key itself.
import { ristretto255_oprf } from '@noble/curves/ed25519.js';

const { voprf } = ristretto255_oprf;
const asked = JSON.parse(await new Response(process.stdin).text());
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (octets) => Buffer.from(octets).toString('hex');

if (asked.what === 'blind') {
  const blinded = asked.inputs.map((input) => voprf.blind(bytes(input)));
  console.log(JSON.stringify(blinded.map(({ blind, blinded }) => ({ blind: hex(blind), blinded: hex(blinded) }))));
} else if (asked.what === 'finalize') {
  const items = asked.items.map((item) => ({
    input: bytes(item.input), blind: bytes(item.blind), evaluated: bytes(item.evaluated), blinded: bytes(item.blinded),
  }));
  console.log(JSON.stringify(voprf.finalizeBatch(items, bytes(asked.public), bytes(asked.proof)).map(hex)));
} else {
  const keys = ristretto255_oprf.voprf.deriveKeyPair(bytes(asked.seed), bytes(asked.info));
  if (asked.what === 'outputs') {
    const outputs = asked.inputs.map((input) => hex(voprf.evaluate(keys.secretKey, bytes(input))));
    console.log(JSON.stringify({ public: hex(keys.publicKey), outputs }));
  } else {
    const batch = voprf.blindEvaluateBatch(keys.secretKey, keys.publicKey, asked.blinded.map(bytes));
    console.log(JSON.stringify({ evaluated: batch.evaluated.map(hex), proof: hex(batch.proof) }));
  }
}
