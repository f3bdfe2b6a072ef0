// A request to the box: its answer, which no cache may keep.

export async function post(path, body, ms) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ms),
    cache: "no-store",
  });
  return { ok: answer.ok, said: await answer.json() };
}
