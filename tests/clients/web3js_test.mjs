// SPDX-License-Identifier: Apache-2.0
// Unmodified @solana/web3.js against a running node: fund, send legacy and v0, confirm by both strategies,
// subscribe, read back, and provoke every error that a healthy node gives. usage: node web3js_test.mjs RPC_URL
import assert from "node:assert/strict";
import {
  Connection, Keypair, PublicKey, SendTransactionError, SystemProgram, Transaction, TransactionMessage,
  TransactionExpiredBlockheightExceededError, VersionedTransaction, LAMPORTS_PER_SOL, sendAndConfirmTransaction,
} from "@solana/web3.js";
import { raw, until, step } from "./steps.mjs";

const url = process.argv[2];
const connection = new Connection(url, "confirmed"); // subscriptions at the port after the RPC's: its own rule
const payer = Keypair.generate();
const receiver = Keypair.generate().publicKey;
const heard = { account: [], logs: [], mentions: [], slot: [], root: [], signature: [] };
const transfer = (lamports) =>
  SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: receiver, lamports });

await step("fund", async () => {
  const signature = await connection.requestAirdrop(payer.publicKey, 2 * LAMPORTS_PER_SOL);
  const latest = await connection.getLatestBlockhash();
  const outcome = await connection.confirmTransaction({ signature, ...latest });
  assert.equal(outcome.value.err, null);
  assert.equal(await connection.getBalance(payer.publicKey), 2 * LAMPORTS_PER_SOL);
});

const listeners = [];
await step("subscribe", async () => {
  listeners.push(["removeAccountChangeListener",
    connection.onAccountChange(receiver, (info, context) => heard.account.push([info.lamports, context.slot]))]);
  listeners.push(["removeOnLogsListener", connection.onLogs("all", (logs) => heard.logs.push(logs))]);
  listeners.push(["removeOnLogsListener", connection.onLogs(receiver, (logs) => heard.mentions.push(logs))]);
  listeners.push(["removeSlotChangeListener", connection.onSlotChange((slot) => heard.slot.push(slot))]);
  listeners.push(["removeRootChangeListener", connection.onRootChange((root) => heard.root.push(root))]);
  await until("slots are told", () => heard.slot.length > 1);
});

let legacy, version0;
await step("send legacy, confirm by block height and subscription", async () => {
  legacy = await sendAndConfirmTransaction(connection, new Transaction().add(transfer(5_000_000)), [payer]);
  assert.equal(await connection.getBalance(receiver), 5_000_000);
});

await step("send v0, confirm by signature and time", async () => {
  const latest = await connection.getLatestBlockhash();
  const message = new TransactionMessage({
    payerKey: payer.publicKey, recentBlockhash: latest.blockhash, instructions: [transfer(6_000_000)],
  }).compileToV0Message();
  assert.equal((await connection.getFeeForMessage(message)).value, 5000);
  const transaction = new VersionedTransaction(message);
  transaction.sign([payer]);
  const simulated = await connection.simulateTransaction(transaction);
  assert.equal(simulated.value.err, null);
  assert.equal(simulated.value.unitsConsumed, 150);
  assert.equal(simulated.value.logs.length, 2);
  version0 = await connection.sendTransaction(transaction);
  connection.onSignature(version0, (result) => heard.signature.push(result), "confirmed");
  const outcome = await connection.confirmTransaction(version0, "confirmed");
  assert.equal(outcome.value.err, null);
  assert.equal(await connection.getBalance(receiver), 11_000_000);
});

await step("hear of it all", async () => {
  await until("the account's changes", () => heard.account.some(([lamports]) => lamports === 11_000_000));
  await until("the logs of all", () => [legacy, version0].every((s) => heard.logs.some((l) => l.signature === s)));
  await until("the logs that mention it", () => heard.mentions.length >= 2);
  await until("the signature", () => heard.signature.length === 1);
  await until("roots", () => heard.root.length > 0);
  assert.equal(heard.signature[0].err, null);
  assert.ok(heard.mentions.every((l) => l.err === null && l.logs.length === 2));
  assert.ok(heard.slot.every(({ parent, slot, root }) => parent < slot && root <= slot));
  for (const [remove, id] of listeners) await connection[remove](id);
});

await step("read back the transactions", async () => {
  await connection.confirmTransaction(
    { signature: version0, ...(await connection.getLatestBlockhash()) }, "finalized");
  const first = await connection.getTransaction(legacy, { maxSupportedTransactionVersion: 0 });
  assert.equal(first.version, "legacy");
  assert.equal(first.meta.fee, 5000);
  assert.equal(first.meta.preBalances[0] - first.meta.postBalances[0], 5_005_000);
  assert.equal(first.transaction.message.accountKeys[0].toBase58(), payer.publicKey.toBase58());
  const second = await connection.getTransaction(version0, { maxSupportedTransactionVersion: 0 });
  assert.equal(second.version, 0);
  const parsed = await connection.getParsedTransaction(legacy, { maxSupportedTransactionVersion: 0 });
  assert.equal(parsed.transaction.message.instructions[0].parsed.info.lamports, 5_000_000);
  const many = await connection.getTransactions([legacy, version0], { maxSupportedTransactionVersion: 0 });
  assert.deepEqual(many.map((t) => t.slot), [first.slot, second.slot]);
  const block = await connection.getBlock(first.slot, { maxSupportedTransactionVersion: 0 });
  assert.ok(block.transactions.some((t) => t.transaction.signatures[0] === legacy));
  assert.ok(Math.abs(block.blockTime - Date.now() / 1000) < 3600);
  assert.equal(await connection.getBlockTime(first.slot), block.blockTime);
  const signed = await connection.getBlockSignatures(first.slot);
  assert.ok(signed.signatures.includes(legacy));
  assert.ok((await connection.getBlocks(first.slot, second.slot)).includes(first.slot));
  await until("the index of addresses", async () =>
    (await connection.getSignaturesForAddress(receiver)).length === 2, 20);
  const found = await connection.getSignaturesForAddress(receiver);
  assert.deepEqual(found.map((entry) => entry.signature), [version0, legacy]);
  const names = async (options) =>
    (await connection.getSignaturesForAddress(receiver, options)).map((entry) => entry.signature);
  assert.deepEqual(await names({ limit: 1 }), [version0]);
  assert.deepEqual(await names({ before: version0 }), [legacy]);
  assert.deepEqual(await names({ until: legacy }), [version0]);
  const statuses = await connection.getSignatureStatuses([legacy, version0], { searchTransactionHistory: true });
  assert.ok(statuses.value.every((status) => status.confirmationStatus === "finalized" && status.err === null));
});

await step("read back everything else", async () => {
  const info = await connection.getAccountInfo(receiver);
  assert.equal(info.lamports, 11_000_000);
  assert.equal(info.owner.toBase58(), SystemProgram.programId.toBase58());
  assert.equal((await connection.getMultipleAccountsInfo([receiver, Keypair.generate().publicKey]))[1], null);
  assert.equal((await connection.getVersion())["solana-core"], "2.3.0");
  assert.ok((await connection.getVoteAccounts()).current.length > 0);
  assert.ok((await connection.getClusterNodes())[0].tpu);
  assert.ok(Object.keys(await connection.getLeaderSchedule()).length > 0);
  assert.equal((await connection.getSlotLeaders(await connection.getSlot(), 3)).length, 3);
  assert.ok(new PublicKey(await connection.getSlotLeader()));
  assert.ok((await connection.getEpochInfo()).slotsInEpoch > 0);
  assert.ok((await connection.getEpochSchedule()).slotsPerEpoch > 0);
  assert.ok((await connection.getRecentPerformanceSamples(1))[0].numSlots > 0);
  assert.ok((await connection.getBlockProduction()).value.range.firstSlot >= 0);
  assert.ok((await connection.getSupply()).value.total > 0);
  assert.equal(await connection.getMinimumBalanceForRentExemption(0), 890_880);
  assert.equal((await connection.getInflationGovernor()).initial, 0);
  assert.equal((await connection.getInflationRate()).total, 0);
  assert.ok(await connection.getTransactionCount() >= 3);
  assert.ok(await connection.getBlockHeight() > 0);
  assert.ok(await connection.getFirstAvailableBlock() >= 0);
  assert.ok((await connection.getGenesisHash()).length > 30);
  const { blockhash } = await connection.getLatestBlockhash();
  assert.equal((await connection.isBlockhashValid(blockhash, { commitment: "processed" })).value, true);
});

const base64 = { encoding: "base64" };
async function signedBy(signer, lamports, blockhash) {
  const made = new Transaction().add(
    SystemProgram.transfer({ fromPubkey: signer.publicKey, toPubkey: receiver, lamports }));
  made.recentBlockhash = blockhash ?? (await connection.getLatestBlockhash()).blockhash;
  made.feePayer = signer.publicKey;
  made.sign(signer);
  return made.serialize();
}

await step("without preflight: what fails lands and pays, what no block could hold is refused", async () => {
  const before = await connection.getBalance(payer.publicKey);
  const latest = await connection.getLatestBlockhash();
  const signature = await connection.sendRawTransaction(
    await signedBy(payer, 900 * LAMPORTS_PER_SOL), { skipPreflight: true });
  const outcome = await connection.confirmTransaction({ signature, ...latest });
  assert.deepEqual(outcome.value.err, { InstructionError: [0, { Custom: 1 }] });
  assert.equal(before - await connection.getBalance(payer.publicKey), 5000);
  const failed = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
  assert.deepEqual(failed.meta.err, { InstructionError: [0, { Custom: 1 }] });
  assert.ok(failed.meta.logMessages.some((line) => line.startsWith("Transfer: insufficient lamports ")));
  const penniless = await connection.sendRawTransaction(
    await signedBy(Keypair.generate(), 1), { skipPreflight: true }).catch((error) => error);
  assert.ok(penniless instanceof SendTransactionError, `${penniless}`);
  assert.match(penniless.message, /no record of a prior credit/);
});

await step("the node tells what it did with each", async () => {
  const stages = async (signature) =>
    (await raw(url, "belfryTransactionTrail", [signature])).result.events.map((event) => event.stage);
  const told = async (signature, wanted) => until(`the trail of ${signature} holds ${wanted}`, async () => {
    const seen = await stages(signature);
    return wanted.every((stage) => seen.includes(stage));
  });
  await told(legacy, ["pooled", "processed"]);
  const { default: { encode } } = await import("bs58");
  const without = { skipPreflight: true };
  const dead = await signedBy(Keypair.generate(), 1);
  await connection.sendRawTransaction(dead, without).catch(() => {});
  await told(encode(dead.subarray(1, 65)), ["payerCannotPay"]);
  const early = await signedBy(payer, 2, "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi"); // of no block
  await connection.sendRawTransaction(early, without);
  await told(encode(early.subarray(1, 65)), ["waitingForBlockhash"]);
  const twice = await signedBy(payer, 3);
  await Promise.all([1, 2].map(() => connection.sendRawTransaction(twice, without)));
  await told(encode(twice.subarray(1, 65)), ["pooled", "processed"]);
  await told(encode(early.subarray(1, 65)), ["blockhashUnknown"]);
});

await step("the strategy of block heights ends the wait for what never comes", async () => {
  const { blockhash } = await connection.getLatestBlockhash();
  const past = await connection.getBlockHeight() - 1;
  const nobody = Keypair.generate();
  const never = new Transaction({ feePayer: nobody.publicKey, blockhash, lastValidBlockHeight: past });
  never.add(SystemProgram.transfer({ fromPubkey: nobody.publicKey, toPubkey: receiver, lamports: 1 }));
  never.sign(nobody); // never sent
  const { default: { encode } } = await import("bs58");
  const ended = await connection.confirmTransaction(
    { signature: encode(never.signature), blockhash, lastValidBlockHeight: past }).catch((error) => error);
  assert.ok(ended instanceof TransactionExpiredBlockheightExceededError, `${ended}`);
});

await step("errors", async () => {
  const poor = new Transaction().add(transfer(900 * LAMPORTS_PER_SOL));
  const refused = await connection.sendTransaction(poor, [payer]).catch((error) => error);
  assert.ok(refused instanceof SendTransactionError, `${refused}`);
  assert.ok(refused.logs.some((line) => line.startsWith("Transfer: insufficient lamports ")), `${refused.logs}`);

  const code = async (method, params) => (await raw(url, method, params)).error?.code;
  const wire = await signedBy(payer, 1);
  const forged = Buffer.from(wire);
  forged[5] ^= 1;
  assert.equal(await code("sendTransaction", [forged.toString("base64"), base64]), -32003);
  assert.equal(await code("sendTransaction", ["!", base64]), -32602);
  const ahead = { ...base64, minContextSlot: 1e9 };
  assert.equal(await code("sendTransaction", [wire.toString("base64"), ahead]), -32016);
  const stale = await raw(url, "sendTransaction", [
    (await signedBy(payer, 1, "11111111111111111111111111111111")).toString("base64"), base64]);
  assert.equal(stale.error.code, -32002);
  assert.equal(stale.error.data.err, "BlockhashNotFound");
  for (const field of ["logs", "accounts", "unitsConsumed", "returnData", "innerInstructions",
    "loadedAccountsDataSize", "replacementBlockhash", "fee"]) assert.ok(field in stale.error.data, field);
  assert.equal(await code("requestAirdrop", [payer.publicKey.toBase58(), 1e18]), -32603);
  const answer = await raw(url, "getSlot", [{ minContextSlot: 1e9 }]);
  assert.equal(answer.error.code, -32016);
  assert.ok(answer.error.data.contextSlot >= 0);
  assert.equal(await code("getNothing", []), -32601);
  assert.equal(await code("getBalance", ["1111"]), -32602);
  assert.equal((await raw(url, "getBalance", ["1111"])).error.message, "Invalid param: WrongSize");
  assert.equal(await code("getBlock", [1e9]), -32004);
  assert.equal(await code("getBlock", [0]), -32001);
  assert.equal(await code("getTransaction", [version0]), -32015);
  assert.equal(await code("getHighestSnapshotSlot", []), -32008);
  const text = async (body) =>
    (await (await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } })).json());
  assert.equal((await text("{")).error.code, -32700);
  assert.equal((await text('{"jsonrpc":"1.0","id":1,"method":"getSlot"}')).error.code, -32600);
});

process.exit(0); // the client keeps its socket for a while
