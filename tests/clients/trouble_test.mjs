// SPDX-License-Identifier: Apache-2.0
// What the client sees of a validator that has lost its quorum, and after that of one that has it again.
// usage: node trouble_test.mjs RPC_URL lost|healed
import assert from "node:assert/strict";
import { Connection, Keypair, SystemProgram, Transaction, LAMPORTS_PER_SOL } from "@solana/web3.js";
import { raw, step, until } from "./steps.mjs";

const [, , url, state] = process.argv;
const connection = new Connection(url, "confirmed");
const payer = Keypair.generate();

async function sendWith(options) {
  const transaction = new Transaction().add(
    SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: payer.publicKey, lamports: 1 }));
  transaction.recentBlockhash = (await connection.getLatestBlockhash("processed")).blockhash;
  transaction.feePayer = payer.publicKey;
  transaction.sign(payer);
  return (await raw(url, "sendTransaction", [transaction.serialize().toString("base64"),
    { encoding: "base64", preflightCommitment: "processed", ...options }])).error;
}

if (state === "lost") {
  await step("lost: the node says that it is unhealthy, and takes no preflight", async () => {
    await until("-32005", async () => (await raw(url, "getHealth", [])).error?.code === -32005, 40);
    const health = (await raw(url, "getHealth", [])).error;
    assert.deepEqual(health, { code: -32005, message: "Node is unhealthy", data: { numSlotsBehind: null } });
    assert.equal(await (await fetch(`${url}/health`)).text(), "unknown");
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    assert.equal((await sendWith({})).code, -32005);
    // Without preflight its health does not matter; here the payer owns nothing.
    assert.equal((await sendWith({ skipPreflight: true })).code, -32002);
  });
} else {
  await step("healed: what was skipped is told, and the ledger goes on", async () => {
    await until("healthy", async () => (await raw(url, "getHealth", [])).result === "ok", 60);
    assert.equal(await (await fetch(`${url}/health`)).text(), "ok");
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    const signature = await connection.requestAirdrop(payer.publicKey, LAMPORTS_PER_SOL);
    const latest = await connection.getLatestBlockhash();
    const outcome = await connection.confirmTransaction({ signature, ...latest }, "finalized");
    assert.equal(outcome.value.err, null);
    const last = await connection.getSlot("finalized");
    const first = Math.max(await connection.getFirstAvailableBlock(), last - 2000);
    const made = new Set(await connection.getBlocks(first, last, "finalized"));
    const skipped = Array.from({ length: last - first }, (_, i) => first + i).find((slot) => !made.has(slot));
    assert.ok(skipped !== undefined, `no slot of ${first} to ${last} was skipped`);
    assert.equal((await raw(url, "getBlock", [skipped])).error.code, -32007);
    assert.equal((await raw(url, "getBlockTime", [skipped])).error.code, -32007);
  });
}
process.exit(0);
