// SPDX-License-Identifier: Apache-2.0
// What the tests of both clients share.
import { setTimeout as sleep } from "node:timers/promises";

const patience = Number(process.env.BELFRY_CLUSTER_SLOWNESS ?? 1);

/// One step of a test: named when it is done, and when it fails.
export async function step(name, body) {
  const begin = Date.now();
  try {
    await body();
  } catch (error) {
    console.error(`FAILED: ${name}:`, error);
    process.exit(1);
  }
  console.log(`${name}: ${Date.now() - begin} ms`);
}

/// Waits until the condition holds.
export async function until(what, condition, seconds = 15) {
  const end = Date.now() + seconds * 1000 * patience;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds * patience} s: ${what}`);
    await sleep(50);
  }
}

/// A call without any client.
export async function raw(url, method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } });
  return answer.json();
}
