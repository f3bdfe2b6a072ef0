/* Cells of b-tree pages, records, and which of our tables a record is of (SQLite's file format,
 * sections 1.6 and 2). */
#include <string.h>

#include "event/event.h"
#include "store/journal_raw_internal.h"
#include "store/pack.h"

#define TABLE_LEAF 0x0d
#define INDEX_LEAF 0x0a
#define INDEX_INTERIOR 0x02
#define FILE_HEAD_BYTES 100 /* in front of page 1 */
#define PAYLOAD_BYTES_MAX (16u * 1024 * 1024)
#define EPOCH_BOX_BYTES (VAULT_KEY_BYTES + VAULT_BOX_OVERHEAD)

struct cell {
	uint64_t payload_len;
	int64_t rowid;
	size_t at; /* of the payload's local part in the page */
	size_t local;
	uint32_t overflow; /* first page of the rest; 0: none */
	bool table;
};

/* SQLite's variable-length integer: up to 9 bytes, high bits first. The bytes read, 0: too short.
 */
static size_t varint(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n && i < 9; i++) {
		if (i == 8) {
			*out = v << 8 | p[i];
			return 9;
		}
		v = v << 7 | (p[i] & 0x7f);
		if (!(p[i] & 0x80)) {
			*out = v;
			return i + 1;
		}
	}
	return 0;
}

/* How much of a payload stands in the cell itself (file format, section 1.6). */
static size_t local_bytes(uint64_t payload, bool table)
{
	const uint64_t usable = RAW_PAGE_BYTES;
	uint64_t max = table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
	uint64_t min = (usable - 12) * 32 / 255 - 23;
	if (payload <= max)
		return (size_t)payload;
	uint64_t some = min + (payload - min) % (usable - 4);
	return (size_t)(some <= max ? some : min);
}

static int read_cell(const uint8_t *page, size_t at, uint8_t type, struct cell *c)
{
	uint64_t rowid = 0;
	c->table = type == TABLE_LEAF;
	if (type == INDEX_INTERIOR)
		at += 4; /* a child's page number */
	if (at >= RAW_PAGE_BYTES)
		return -1;
	size_t k = varint(page + at, RAW_PAGE_BYTES - at, &c->payload_len);
	if (k == 0 || c->payload_len == 0 || c->payload_len > PAYLOAD_BYTES_MAX)
		return -1;
	at += k;
	if (c->table) {
		k = varint(page + at, RAW_PAGE_BYTES - at, &rowid);
		if (k == 0)
			return -1;
		at += k;
	}
	c->rowid = (int64_t)rowid;
	c->local = local_bytes(c->payload_len, c->table);
	bool more = c->payload_len > c->local;
	c->at = at;
	if (at + c->local + (more ? 4 : 0) > RAW_PAGE_BYTES)
		return -1;
	c->overflow = more ? buf_get32(page + at + c->local) : 0;
	return more && c->overflow == 0 ? -1 : 0;
}

/* The whole payload into r->payload. */
static int gather(struct journal_raw *r, const struct cell *c)
{
	uint32_t next = c->overflow;
	buf_reset(&r->payload);
	buf_add(&r->payload, r->page + c->at, c->local);
	while (r->payload.len < c->payload_len) {
		size_t rest = (size_t)c->payload_len - r->payload.len;
		if (next == 0 || journal_raw_page(r, next, r->overflow) != 0)
			return -1;
		buf_add(&r->payload, r->overflow + 4,
		        rest < RAW_PAGE_BYTES - 4 ? rest : RAW_PAGE_BYTES - 4);
		if (r->payload.failed)
			return -1;
		next = buf_get32(r->overflow);
	}
	return r->payload.failed ? -1 : 0;
}

/* ---- records ---- */

static int64_t big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* One value of this serial type; the bytes it takes, or SIZE_MAX: it is not there. */
static size_t read_value(uint64_t type, const uint8_t *p, size_t n, struct journal_raw_value *v)
{
	static const uint8_t int_bytes[] = {0, 1, 2, 3, 4, 6, 8};
	size_t len = 0;
	*v = (struct journal_raw_value){.type = type == 0 ? 'n' : 'i'};
	if (type == 8 || type == 9) {
		v->i = (int64_t)type - 8;
	} else if (type >= 1 && type <= 6) {
		len = int_bytes[type];
		if (len <= n)
			v->i = big_endian(p, len);
	} else if (type >= 12) {
		uint64_t bytes = (type - 12) / 2;
		len = bytes <= n ? (size_t)bytes : SIZE_MAX;
		*v = (struct journal_raw_value){.type = type % 2 ? 't' : 'b', .p = p, .n = len};
	} else if (type != 0) {
		return SIZE_MAX; /* a float: there is none in our tables */
	}
	return len <= n ? len : SIZE_MAX;
}

/* The columns of the record in r->payload; how many, or -1. */
static int read_record(const struct journal_raw *r, struct journal_raw_row *row)
{
	const uint8_t *p = r->payload.data;
	size_t n = r->payload.len, at, body;
	uint64_t head, type;
	int count = 0;

	at = varint(p, n, &head);
	if (at == 0 || head > n || head < at)
		return -1;
	body = (size_t)head;
	memset(row->v, 0, sizeof(row->v));
	for (int i = 0; i < JOURNAL_RAW_COLUMNS; i++)
		row->v[i].type = 'n';
	while (at < head) {
		size_t k = varint(p + at, (size_t)head - at, &type);
		if (k == 0 || count == JOURNAL_RAW_COLUMNS)
			return -1;
		at += k;
		size_t len = read_value(type, p + body, n - body, &row->v[count]);
		if (len == SIZE_MAX)
			return -1;
		body += len;
		count++;
	}
	return count;
}

/* ---- shapes ---- */

/* n null, i integer, t text; a blob of: 8 an epoch, H a hash, 6 16 bytes, * any, + whole 16s, W a
 * wrapped key, X an epoch's box; ? blob or null. */
static bool fits(const struct journal_raw_value *v, char shape)
{
	bool blob = v->type == 'b';
	switch (shape) {
	case 'n':
	case 'i':
	case 't':
		return v->type == shape;
	case '8':
		return blob && v->n == EVENT_EPOCH_BYTES;
	case 'H':
		return blob && v->n == EVENT_HASH_BYTES;
	case '6':
		return blob && v->n == EVENT_ID_BYTES;
	case '+':
		return blob && v->n % 16 == 0;
	case 'W':
		return blob && v->n == VAULT_WRAP_BYTES;
	case 'X':
		return blob && v->n == EPOCH_BOX_BYTES;
	case '?':
		return blob || v->type == 'n';
	default:
		return blob || (shape == '.' && v->type == 't');
	}
}

static const struct {
	enum journal_raw_kind kind;
	bool table;
	const char *shape;
	int columns_min; /* later formats add some behind */
} shapes[] = {
    {JOURNAL_RAW_PACK, true, "niiiiH+**?", 9}, {JOURNAL_RAW_EPOCH, true, "n8itXi+iHi", 10},
    {JOURNAL_RAW_KEY, false, "6W?", 2},        {JOURNAL_RAW_HOLE, false, "iii", 3},
    {JOURNAL_RAW_AWAITED, false, "iit", 3},    {JOURNAL_RAW_URGENT, false, "ii", 2},
    {JOURNAL_RAW_META, false, "t.", 2},
};

static bool plausible(const struct journal_raw_row *row)
{
	if (row->kind == JOURNAL_RAW_PACK)
		return row->v[2].i > 0 && row->v[3].i > 0 && row->v[3].i <= PACK_EVENTS_MAX;
	if (row->kind == JOURNAL_RAW_EPOCH)
		return row->v[5].i >= 0 && row->v[7].i >= 0;
	return true;
}

static bool recognise(struct journal_raw_row *row, int columns, bool table)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		int wanted = (int)strlen(shapes[i].shape), k = 0;
		if (shapes[i].table != table || columns < shapes[i].columns_min)
			continue;
		if (wanted > columns)
			wanted = columns;
		while (k < wanted && fits(&row->v[k], shapes[i].shape[k]))
			k++;
		row->kind = shapes[i].kind;
		if (k == wanted && plausible(row))
			return true;
	}
	return false;
}

/* ---- pages ---- */

static int load(struct journal_raw *r, uint32_t page, int cell, struct journal_raw_row *row)
{
	size_t head = page == 1 ? FILE_HEAD_BYTES : 0;
	uint8_t type = r->page[head];
	size_t pointer = head + (type == INDEX_INTERIOR ? 12 : 8) + 2 * (size_t)cell;
	struct cell c;

	if (pointer + 2 > RAW_PAGE_BYTES ||
	    read_cell(r->page, buf_get16(r->page + pointer), type, &c) || gather(r, &c))
		return -1;
	int columns = read_record(r, row);
	if (columns < 0 || !recognise(row, columns, c.table))
		return -1;
	row->rowid = c.rowid;
	row->place = (uint64_t)page << 16 | (uint64_t)cell;
	return 0;
}

/* Cells of the page in r->page; 0: it is none that holds rows. */
static int cells_of(const struct journal_raw *r, uint32_t page)
{
	const uint8_t *p = r->page + (page == 1 ? FILE_HEAD_BYTES : 0);
	if (p[0] != TABLE_LEAF && p[0] != INDEX_LEAF && p[0] != INDEX_INTERIOR)
		return 0;
	int n = buf_get16(p + 3);
	return n <= RAW_PAGE_BYTES / 4 ? n : RAW_PAGE_BYTES / 4;
}

bool journal_raw_scan(struct journal_raw *r, unsigned kinds, journal_raw_fn *fn, void *ctx)
{
	struct journal_raw_row row;
	r->count.bad_pages = 0;
	for (uint32_t page = 1; page <= r->count.pages; page++) {
		if (journal_raw_page(r, page, r->page) != 0) {
			r->count.bad_pages++;
			continue;
		}
		int n = cells_of(r, page);
		for (int i = 0; i < n; i++) {
			if (load(r, page, i, &row) == 0 && kinds & 1u << row.kind && !fn(ctx, &row))
				return false;
		}
	}
	return true;
}

int journal_raw_at(struct journal_raw *r, uint64_t place, struct journal_raw_row *out)
{
	uint32_t page = (uint32_t)(place >> 16);
	if (journal_raw_page(r, page, r->page) != 0)
		return -1;
	return load(r, page, (int)(place & 0xffff), out);
}
