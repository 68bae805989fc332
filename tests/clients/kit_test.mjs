// SPDX-License-Identifier: Apache-2.0
// Unmodified @solana/kit against a running node: fund, send legacy and v0, confirm, subscribe, read back, and
// provoke errors. usage: node kit_test.mjs RPC_URL WEBSOCKET_URL
import assert from "node:assert/strict";
import {
  AccountRole, address, airdropFactory, appendTransactionMessageInstruction, createSolanaRpc,
  createSolanaRpcSubscriptions, createTransactionMessage, generateKeyPairSigner, getBase64EncodedWireTransaction,
  getSignatureFromTransaction, isSolanaError, lamports, pipe, sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner, setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners, SOLANA_ERROR__BLOCK_HEIGHT_EXCEEDED, SOLANA_ERROR__JSON_RPC__INVALID_PARAMS,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_MIN_CONTEXT_SLOT_NOT_REACHED,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_UNSUPPORTED_TRANSACTION_VERSION,
} from "@solana/kit";
import { step, until } from "./steps.mjs";

const [, , url, websocket] = process.argv;
const rpc = createSolanaRpc(url);
const rpcSubscriptions = createSolanaRpcSubscriptions(websocket);
const payer = await generateKeyPairSigner();
const receiver = (await generateKeyPairSigner()).address;
const stop = new AbortController();

function transfer(amount) {
  const data = new Uint8Array(12);
  const view = new DataView(data.buffer);
  view.setUint32(0, 2, true);
  view.setBigUint64(4, amount, true);
  return {
    programAddress: address("11111111111111111111111111111111"),
    accounts: [
      { address: payer.address, role: AccountRole.WRITABLE_SIGNER, signer: payer },
      { address: receiver, role: AccountRole.WRITABLE },
    ],
    data,
  };
}

async function signed(version, amount, lifetime = {}) {
  const latest = { ...(await rpc.getLatestBlockhash().send()).value, ...lifetime };
  return signTransactionMessageWithSigners(pipe(
    createTransactionMessage({ version }),
    (message) => setTransactionMessageFeePayerSigner(payer, message),
    (message) => setTransactionMessageLifetimeUsingBlockhash(latest, message),
    (message) => appendTransactionMessageInstruction(transfer(amount), message)));
}

/// Collects what a subscription tells until the end.
function collect(iterable) {
  const heard = [];
  (async () => {
    for await (const told of iterable) heard.push(told);
  })().catch(() => {});
  return heard;
}

await step("kit: fund", async () => {
  const airdrop = airdropFactory({ rpc, rpcSubscriptions });
  await airdrop({ commitment: "confirmed", lamports: lamports(2_000_000_000n), recipientAddress: payer.address });
  assert.equal((await rpc.getBalance(payer.address).send()).value, 2_000_000_000n);
});

const abortSignal = stop.signal;
const accounts = collect(await rpcSubscriptions.accountNotifications(receiver, { encoding: "base64" })
  .subscribe({ abortSignal }));
const logs = collect(await rpcSubscriptions.logsNotifications({ mentions: [receiver] }).subscribe({ abortSignal }));
const slots = collect(await rpcSubscriptions.slotNotifications().subscribe({ abortSignal }));
const roots = collect(await rpcSubscriptions.rootNotifications().subscribe({ abortSignal }));

const sendAndConfirm = sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions });
const signatures = [];
for (const [version, amount] of [["legacy", 5_000_000n], [0, 6_000_000n]]) {
  await step(`kit: send and confirm ${version}`, async () => {
    const transaction = await signed(version, amount);
    await sendAndConfirm(transaction, { commitment: "confirmed" });
    signatures.push(getSignatureFromTransaction(transaction));
  });
}

await step("kit: hear of it all", async () => {
  await until("the account", () => accounts.some(({ value }) => value.lamports === 11_000_000n));
  await until("the logs", () => signatures.every((s) => logs.some(({ value }) => value.signature === s)));
  await until("slots and roots", () => slots.length > 1 && roots.length > 0);
  stop.abort();
});

await step("kit: read back", async () => {
  const [first, second] = await Promise.all(signatures.map((signature) => rpc.getTransaction(signature, {
    commitment: "confirmed", encoding: "json", maxSupportedTransactionVersion: 0 }).send()));
  assert.equal(first.version, "legacy");
  assert.equal(second.version, 0);
  assert.equal(first.meta.fee, 5000n);
  assert.equal(first.meta.computeUnitsConsumed, 150n);
  const block = await rpc.getBlock(second.slot, {
    commitment: "confirmed", encoding: "jsonParsed", maxSupportedTransactionVersion: 0 }).send();
  assert.ok(block.transactions.some((t) => t.transaction.signatures[0] === signatures[1]));
  const info = await rpc.getAccountInfo(receiver, { encoding: "base64" }).send();
  assert.equal(info.value.lamports, 11_000_000n);
  const compressed = await rpc.getAccountInfo(receiver, { encoding: "base64+zstd" }).send();
  assert.equal(compressed.value.data[1], "base64+zstd");
  const { value: statuses } = await rpc.getSignatureStatuses(signatures, { searchTransactionHistory: true }).send();
  assert.ok(statuses.every((status) => status.err === null));
  const simulated = await rpc.simulateTransaction(getBase64EncodedWireTransaction(await signed(0, 1n)), {
    encoding: "base64", accounts: { addresses: [receiver], encoding: "base64" } }).send();
  assert.equal(simulated.value.err, null);
  assert.equal(simulated.value.accounts[0].lamports, 11_000_001n);
  assert.equal(await rpc.getHealth().send(), "ok");
  assert.ok((await rpc.getLeaderSchedule().send()) !== null);
  assert.ok((await rpc.getVoteAccounts().send()).current.length > 0);
  assert.ok((await rpc.getClusterNodes().send()).length > 0);
  assert.ok((await rpc.getEpochInfo().send()).slotsInEpoch > 0n);
  assert.ok((await rpc.getSupply().send()).value.total > 0n);
});

await step("kit: the strategy of block heights ends the wait for what never comes", async () => {
  const blockhash = address("11111111111111111111111111111111");
  const never = await signed(0, 5n, { lastValidBlockHeight: 1n, blockhash });
  const ended = await sendAndConfirm(never, { commitment: "confirmed", skipPreflight: true }).catch((error) => error);
  assert.ok(isSolanaError(ended, SOLANA_ERROR__BLOCK_HEIGHT_EXCEEDED), `${ended}`);
});

await step("kit: errors", async () => {
  const wire = getBase64EncodedWireTransaction(await signed(0, 900_000_000_000n));
  const refused = await rpc.sendTransaction(wire, { encoding: "base64" }).send().catch((error) => error);
  assert.ok(isSolanaError(refused, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE),
    `${refused}`);
  assert.ok(refused.context.logs.some((line) => line.startsWith("Transfer: insufficient lamports ")));
  assert.match(`${refused.cause}`, /Custom program error: #1/);
  const provoked = async (request, code) => {
    const told = await request.send().catch((error) => error);
    assert.ok(isSolanaError(told, code), `${told}`);
  };
  await provoked(rpc.getBalance("x"), SOLANA_ERROR__JSON_RPC__INVALID_PARAMS);
  await provoked(rpc.getSlot({ minContextSlot: 1_000_000_000n }),
    SOLANA_ERROR__JSON_RPC__SERVER_ERROR_MIN_CONTEXT_SLOT_NOT_REACHED);
  await provoked(rpc.getTransaction(signatures[1], { commitment: "confirmed", encoding: "json" }),
    SOLANA_ERROR__JSON_RPC__SERVER_ERROR_UNSUPPORTED_TRANSACTION_VERSION);
});

process.exit(0);
