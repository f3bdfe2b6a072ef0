#include "shop.h"

#include <jansson.h>

#include "hq/identity/hq_includes.h"
#include "hq/identity/hq_profile.h"

void shop_open(struct shop *s, struct world *w, const char *name, const uint8_t epoch[8])
{
	*s = (struct shop){.rules = &w->rules};
	field_trust_defaults(&s->trust);
	s->journal = store_new(w, name, epoch[0]);
	s->o = overlay_new(s->rules, &s->trust);
	strcpy(s->through, "{}");
	strcpy(s->beyond, "{}");
	assert_non_null(s->o);
}

void shop_free(struct shop *s)
{
	for (uint64_t i = 1; i <= s->journal->seq; i++)
		free(s->event[i].sealed);
	for (size_t i = 0; i < s->line_count; i++)
		free(s->line[i].text);
	store_free(s->journal);
	overlay_free(s->o);
}

/* ---- its shard ---- */

static bool has(const struct shard_line *l, const char *kind, const char *value)
{
	if (strcmp(kind, "customer_id") == 0)
		return strcmp(l->profile.customer_id, value) == 0;
	for (int i = 0; i < l->ident_count; i++)
		if (strcmp(l->idents[i].kind, kind) == 0 && strcmp(l->idents[i].value, value) == 0)
			return true;
	return false;
}

static int lines(void *ctx, const char *kind, const char *value, overlay_line_fn *fn, void *fn_ctx)
{
	struct shop *s = ctx;
	int n = 0;
	for (size_t i = 0; i < s->line_count; i++) {
		struct shop_line *l = &s->line[i];
		if (!has(&l->parsed, kind, value))
			continue;
		fn(fn_ctx, &l->parsed.profile, l->text, strlen(l->text));
		n++;
	}
	return n;
}

struct overlay_hq shop_hq(struct shop *s)
{
	return (struct overlay_hq){lines, s};
}

static void drop_line(struct shop *s, const char *customer_id)
{
	for (size_t i = 0; i < s->line_count; i++) {
		if (strcmp(s->line[i].parsed.profile.customer_id, customer_id) != 0)
			continue;
		free(s->line[i].text);
		s->line[i] = s->line[--s->line_count];
		return;
	}
}

static void put_line(struct shop *s, const char *text, size_t len)
{
	struct shop_line l = {.text = strndup(text, len)};
	char err[200];
	assert_int_equal(shard_line_read(&l.parsed, text, len, err, sizeof err), 0);
	drop_line(s, l.parsed.profile.customer_id);
	if (l.parsed.deleted) {
		free(l.text);
		return;
	}
	assert_true(s->line_count < SHOP_LINES_MAX);
	s->line[s->line_count++] = l;
}

int shop_find(struct shop *s, const char *kind, const char *value, struct shard_hit *out, int max)
{
	int n = overlay_find(s->o, kind, value, out, max);
	if (n != OVERLAY_UNTOUCHED)
		return n;
	n = 0;
	for (size_t i = 0; i < s->line_count; i++) {
		const struct shard_line *l = &s->line[i].parsed;
		for (int k = 0; k < l->ident_count; k++) {
			if (strcmp(l->idents[k].kind, kind) != 0 ||
			    strcmp(l->idents[k].value, value) != 0)
				continue;
			if (n < max)
				out[n] = (struct shard_hit){.profile = l->profile,
				                            .shared = l->idents[k].shared,
				                            .blocked = l->idents[k].blocked};
			n++;
			break;
		}
	}
	return n;
}

/* ---- its own changes ---- */

static void take(struct shop *s, uint64_t seq)
{
	const struct overlay_hq hq = shop_hq(s);
	const char *sealed = s->event[seq].sealed;
	const struct overlay_event ev = {.ordinal = 1,
	                                 .epoch = s->journal->epoch,
	                                 .seq = seq,
	                                 .line = s->journal->line[seq].text,
	                                 .line_len = strlen(s->journal->line[seq].text),
	                                 .sealed = sealed,
	                                 .sealed_len = sealed ? strlen(sealed) : 0};
	assert_true(overlay_take(s->o, &hq, &ev) >= 0);
}

void shop_say(struct shop *s, const char *event, const char *properties, const char *sealed)
{
	assert_true(s->journal->seq < SHOP_EVENTS_MAX);
	store_say(s->journal,
	          &(struct said){
	              .event = event, .properties = properties, .visit = "v", .person = sealed});
	s->event[s->journal->seq].sealed = sealed ? strdup(sealed) : NULL;
	take(s, s->journal->seq);
}

/* Each run of HQ's word on this epoch. */
static void each_included(struct shop *s, void (*fn)(struct shop *, uint64_t, uint64_t))
{
	char name[EVENT_EPOCH_SIZE];
	json_t *through = json_loads(s->through, 0, NULL), *beyond = json_loads(s->beyond, 0, NULL);
	text_hex(s->journal->epoch, EVENT_EPOCH_BYTES, name);
	const json_t *runs = json_object_get(beyond, name);
	uint64_t last = (uint64_t)json_integer_value(json_object_get(through, name));
	if (last)
		fn(s, 1, last);
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *run = json_array_get(runs, i);
		fn(s, (uint64_t)json_integer_value(json_array_get(run, 0)),
		   (uint64_t)json_integer_value(json_array_get(run, 1)));
	}
	json_decref(through);
	json_decref(beyond);
}

static void give_way(struct shop *s, uint64_t first, uint64_t last)
{
	overlay_included(s->o, s->journal->epoch, first, last);
	for (uint64_t i = first; i <= last; i++)
		s->event[i].folded_in = true;
}

void shop_restart(struct shop *s)
{
	overlay_free(s->o);
	s->o = overlay_new(s->rules, &s->trust);
	assert_non_null(s->o);
	for (uint64_t i = 2; i <= s->journal->seq; i++)
		if (!s->event[i].folded_in)
			take(s, i);
}

/* ---- HQ's word ---- */

static void keep(struct buf *b, char out[4096])
{
	assert_true(b->len < 4096);
	memcpy(out, b->len ? (const char *)b->data : "{}", b->len ? b->len : 2);
	out[b->len ? b->len : 2] = '\0';
}

static void refresh(struct shop *s)
{
	const struct overlay_hq hq = shop_hq(s);
	overlay_stale(s->o);
	while (overlay_refresh(s->o, &hq, 1) == 1)
		;
}

bool shop_page(struct shop *s, int max)
{
	struct world *w = s->journal->world;
	struct hq_includes includes = {0};
	struct buf out = {0};
	bool more;
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_includes_read(&includes, w->db, s->journal->name, NULL);
	const struct hq_profile_page page = {
	    .since = s->version, .max = max, .bytes_max = 1 << 20, .includes = &includes};
	s->version = hq_profile_page(w->db, &page, &out, &more);
	assert_int_equal(hq_db_commit(w->db), 0);
	for (char *at = (char *)out.data, *end; out.len && at < (char *)out.data + out.len;
	     at = end + 1) {
		end = memchr(at, '\n', (size_t)((char *)out.data + out.len - at));
		put_line(s, at, (size_t)(end - at));
	}
	s->more = more;
	if (!more) {
		keep(&includes.through, s->through);
		keep(&includes.beyond, s->beyond);
		each_included(s, give_way);
	}
	hq_includes_free(&includes);
	buf_free(&out);
	refresh(s);
	return more;
}

void shop_sync(struct shop *s)
{
	while (shop_page(s, 100))
		;
}
