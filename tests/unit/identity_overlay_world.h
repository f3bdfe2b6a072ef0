/* A store's overlay over an HQ that says what the test has it say. */
#ifndef LANEWAY_TESTS_IDENTITY_OVERLAY_WORLD_H
#define LANEWAY_TESTS_IDENTITY_OVERLAY_WORLD_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "identity/overlay.h"

#define CARD "2600000000170"
#define PHONE "+491711234567"
#define T0 "2026-11-21T17:02:03.123Z"

struct hq_person {
	const char *customer_id, *first_name;
	const char *idents[4]; /* "kind|value" */
	const char *unit;      /* more than the plain members: its unit, or NULL */
	const char *more;      /* members of the line, each with a comma behind it */
};
struct world {
	struct rule_set rules;
	struct field_trust trust;
	struct overlay *o;
	struct hq_person hq[8];
	size_t hq_count;
	const char *made; /* members of every unit of HQ's, each with a comma behind it, or NULL */
	const char *of_ident; /* members of every identifier of HQ's, likewise */
	bool restricted;      /* everybody is */
	bool broken;          /* HQ's word cannot be read */
	unsigned asked;
	uint64_t seq;
	char line[2048], sealed[2048];
};

static const uint8_t epoch[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* ---- HQ ---- */

static inline void tell(const struct world *w, const struct hq_person *h, overlay_line_fn *fn,
                        void *ctx)
{
	const char *made = w->made;
	struct profile p = {0};
	char line[4096], ref[EVENT_ID_SIZE] = "AAAAAAAAAAAAAAAAAAAAAA";
	size_t n = 0;
	text_copy(p.customer_id, sizeof p.customer_id, h->customer_id);
	text_copy(p.first_name, sizeof p.first_name, h->first_name);
	p.has_points = h->more && strstr(h->more, "\"points\":70,");
	p.points = p.has_points ? 70 : 0;
	p.restricted = w->restricted;
	n += (size_t)snprintf(line, sizeof line, "{\"customer_id\":\"%s\",\"first_name\":\"%s\",%s",
	                      h->customer_id, h->first_name, h->more ? h->more : "");
	if (h->unit && !(h->more && strstr(h->more, "\"units\"")))
		n += (size_t)snprintf(
		    line + n, sizeof line - n,
		    "\"units\":[{%s\"confirmed\":%s,\"number\":%d,\"ref\":\"%s\"}],",
		    made ? made : "", strcmp(h->customer_id, "C000100") < 0 ? "true" : "false",
		    atoi(h->customer_id + 1), h->unit);
	n += (size_t)snprintf(line + n, sizeof line - n, "\"identifiers\":[");
	for (int i = 0; i < 4 && h->idents[i]; i++) {
		const char *value = strchr(h->idents[i], '|') + 1;
		ref[0] = (char)('B' + i);
		ref[1] = h->customer_id[6];
		ref[2] = h->customer_id[5];
		n += (size_t)snprintf(line + n, sizeof line - n,
		                      "%s{%s\"kind\":\"%.*s\",\"ref\":\"%s\",\"value\":\"%s\","
		                      "\"verified\":true}",
		                      i ? "," : "", w->of_ident ? w->of_ident : "",
		                      (int)(value - h->idents[i] - 1), h->idents[i], ref, value);
	}
	n += (size_t)snprintf(line + n, sizeof line - n, "]}");
	fn(ctx, &p, line, n);
}

static inline bool has(const struct hq_person *h, const char *kind, const char *value)
{
	char both[400];
	if (!strcmp(kind, "customer_id"))
		return !strcmp(h->customer_id, value);
	if (!strcmp(kind, "unit"))
		return h->unit && !strcmp(h->unit, value);
	snprintf(both, sizeof both, "%s|%s", kind, value);
	for (int i = 0; i < 4 && h->idents[i]; i++)
		if (!strcmp(h->idents[i], both))
			return true;
	return false;
}

static inline int lines(void *ctx, const char *kind, const char *value, overlay_line_fn *fn,
                        void *fn_ctx)
{
	struct world *w = ctx;
	int n = 0;
	w->asked++;
	if (w->broken)
		return -1;
	for (size_t i = 0; i < w->hq_count; i++) {
		if (!has(&w->hq[i], kind, value))
			continue;
		tell(w, &w->hq[i], fn, fn_ctx);
		n++;
	}
	return n;
}

static inline struct overlay_hq hq_of(struct world *w)
{
	return (struct overlay_hq){lines, w};
}

/* ---- what is kept ---- */

static inline int take(struct world *w, const char *event, const char *properties,
                       const char *sealed)
{
	const struct overlay_hq hq = hq_of(w);
	int n = snprintf(
	    w->line, sizeof w->line,
	    "{\"context\":{\"laneway\":{\"clock\":\"kernel\",\"store\":\"s1\"}},\"event\":\"%s\","
	    "\"originalTimestamp\":\"" T0 "\",\"properties\":%s}",
	    event, properties);
	const struct overlay_event ev = {.ordinal = 1,
	                                 .epoch = epoch,
	                                 .seq = ++w->seq,
	                                 .line = w->line,
	                                 .line_len = (size_t)n,
	                                 .sealed = sealed,
	                                 .sealed_len = sealed ? strlen(sealed) : 0};
	return overlay_take(w->o, &hq, &ev);
}

/* A reference out of one letter. */
static inline const char *ref(char letter)
{
	static char out[4][EVENT_ID_SIZE];
	static int next;
	uint8_t bytes[16];
	char *text = out[next++ % 4];
	memset(bytes, letter, sizeof bytes);
	text_b64(bytes, sizeof bytes, text);
	return text;
}

static inline void enrol(struct world *w, char id, const char *name, const char *kind,
                         const char *value)
{
	char p[256];
	snprintf(p, sizeof p,
	         "{\"age_ok\":true,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         ref(id));
	snprintf(
	    w->sealed, sizeof w->sealed,
	    "{\"fields\":{\"first_name\":\"%s\"},\"identifiers\":[{\"kind\":\"%s\",\"ref\":\"%s\","
	    "\"value\":\"%s\",\"verified\":%s}]}",
	    name, kind, ref((char)(id + 1)), value, strcmp(kind, "loyalty") ? "false" : "true");
	assert_int_equal(take(w, "Customer Enrolled", p, w->sealed), 1);
}

static inline void correct(struct world *w, char id, const char *unit, const char *customer_id,
                           const char *members)
{
	char p[256];
	snprintf(p, sizeof p,
	         "{\"age_ok\":null,\"by\":\"till\",\"enrolment_id\":\"%s\",\"fields\":[],"
	         "\"verified\":[]}",
	         ref(id));
	snprintf(w->sealed, sizeof w->sealed, "{\"customer_id\":\"%s\",%s,\"unit\":\"%s\"}",
	         customer_id, members, unit);
	assert_int_equal(take(w, "Customer Corrected", p, w->sealed), 1);
}

static inline int found(struct world *w, const char *kind, const char *value, struct shard_hit *hit)
{
	memset(hit, 0, sizeof *hit);
	return overlay_find(w->o, kind, value, hit, 1);
}

/* HQ has changed; everything is made anew. */
static inline void refresh(struct world *w)
{
	const struct overlay_hq hq = hq_of(w);
	overlay_stale(w->o);
	while (overlay_refresh(w->o, &hq, 1) == 1)
		;
}

static inline size_t pending(struct world *w)
{
	struct overlay_state s;
	overlay_state(w->o, &s);
	return s.events;
}

static inline void known(struct world *w, struct hq_person p)
{
	w->hq[w->hq_count++] = p;
}

static inline int make(void **state)
{
	struct world *w = *state = calloc(1, sizeof *w);
	rule_defaults(&w->rules);
	field_trust_defaults(&w->trust);
	w->o = overlay_new(&w->rules, &w->trust);
	return w->o ? 0 : -1;
}

static inline int end(void **state)
{
	struct world *w = *state;
	overlay_free(w->o);
	rule_free(&w->rules);
	free(w);
	return 0;
}

#endif
