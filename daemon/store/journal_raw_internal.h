/* journal_raw.c knows pages, journal_raw_row.c what stands in them. Not for others. */
#ifndef LANEWAY_STORE_JOURNAL_RAW_INTERNAL_H
#define LANEWAY_STORE_JOURNAL_RAW_INTERNAL_H

#include "base/buf.h"
#include "store/journal_raw.h"

#define RAW_PAGE_BYTES 4096 /* as the journal makes its files */

struct raw_source {
	int fd;
	const uint8_t *memory; /* instead of fd */
	uint64_t len;
};

struct raw_frame {
	uint32_t page, index;
};

struct journal_raw {
	struct raw_source file, log;
	struct buf frames; /* struct raw_frame: of each page the newest, by page */
	struct buf payload;
	uint8_t page[RAW_PAGE_BYTES], overflow[RAW_PAGE_BYTES];
	struct journal_raw_count count;
};

/* A page as it was last committed. 0, or -1: it is not there, or the disk does not give it. */
int journal_raw_page(struct journal_raw *r, uint32_t page, uint8_t out[RAW_PAGE_BYTES]);

#endif
