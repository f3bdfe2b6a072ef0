/* What the bench's rows about the shard share: made-up profiles. */
#ifndef LANEWAY_BENCH_SHARD_H
#define LANEWAY_BENCH_SHARD_H

#include <stdint.h>

#include "base/buf.h"

#define BENCH_PAGE_PROFILES 500 /* as HQ makes pages */
#define BENCH_IDENTS 3

uint64_t bench_mix(uint64_t n);
/* Profile n in its `turn`th state as a line of a page, with a newline: a person with a card, a
 * phone and an e-mail address, what is known of them and two choices. */
void bench_profile(struct buf *out, uint64_t n, uint64_t turn);
/* Its identifier number `which`, as it is looked up. */
const char *bench_ident(uint64_t n, int which, char value[64]);

#endif
