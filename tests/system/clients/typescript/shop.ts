// A shop's program over the types that are made from /openapi.json: what its compiler must know, and what it must refuse.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

declare const process: { argv: string[] };

const [, , baseUrl = "", key = ""] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

async function stock(sku: string, onHand: number): Promise<number> {
  const { data, error } = await client.PUT("/v1/inventory/{sku}", {
    params: { path: { sku } },
    body: { on_hand: onHand, name: "Widget" },
  });
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  // @ts-expect-error: a product has no such member.
  void data.on_hands;
  return data.available;
}

async function order(sku: string, quantity: number): Promise<string> {
  const { data, error } = await client.POST("/v1/orders", {
    body: { customer_id: "C1", lines: [{ sku, quantity, unit_price: "12.50" }] },
    params: { header: { "Idempotency-Key": `cart-${quantity}` } },
  });
  if (data) return `${data.status} ${data.total ?? "without a price"}`;
  switch (error.code) {
    case "insufficient_inventory":
      // @ts-expect-error: a limit is a figure of another code.
      void error.limit;
      return (error.shortages ?? []).map((short) => `${short.requested} of ${short.available} ${short.sku}`).join();
    case "rate_limited":
      return `${error.policy} allows ${error.limit} in ${error.window_seconds} s`;
    default:
      return error.code;
  }
}

async function pending(): Promise<number> {
  const { data } = await client.GET("/v1/orders", { params: { query: { status: ["pending"], limit: 10 } } });
  return data?.items.length ?? -1;
}

console.log(await stock("WIDGET", 25));
console.log(await order("WIDGET", 2));
console.log(await order("WIDGET", 500));
console.log(await pending());
