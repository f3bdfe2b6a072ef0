/* What is known of a customer's links, and the steward's list. */
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_rows.h"
#include "hq/base/hq_secret.h"
#include "hq/identity/hq_links.h"
#include "store/db.h"

/* A list's identifiers, so that they can be told apart and no more. */
static void mask_values(json_t *list)
{
	char shown[HQ_SECRET_SIZE];

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *row = json_array_get(list, i);
		const char *value = json_string_value(json_object_get(row, "value"));
		if (!value)
			continue;
		hq_secret_mask(value, shown);
		/* What cannot be shown masked is not shown. */
		if (json_object_set_new(row, "value", json_string(shown)) != 0)
			json_object_set_new(row, "value", json_null());
	}
}

static json_t *masked(struct hq_rows *r, const char *sql, int64_t arg)
{
	json_t *list = hq_rows_list(r, sql, arg);

	mask_values(list);
	return list;
}

/* 22 characters, as SQLite has no base64. */
static void name_refs(json_t *list)
{
	uint8_t bytes[EVENT_ID_BYTES];
	char text[EVENT_ID_SIZE];

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *row = json_array_get(list, i);
		const char *hex = json_string_value(json_object_get(row, "id"));
		if (!hex || !text_unhex(hex, bytes, sizeof bytes))
			continue;
		text_b64(bytes, sizeof bytes, text);
		json_object_set_new(row, "id", json_string(text));
	}
}

static json_t *named(json_t *list)
{
	name_refs(list);
	return list;
}

/* The customer and whose he or she is; 0: not known. */
static int64_t person_of(struct hq_rows *r, const char *customer_id, char is[EVENT_ID_SIZE])
{
	sqlite3_stmt *q = db_prepare(r->db, "SELECT p.n, p.id FROM profile u JOIN profile p"
	                                    " ON p.n = u.person WHERE u.id = ?1");
	int64_t n = 0;

	if (!q)
		return 0;
	sqlite3_bind_text(q, 1, customer_id, -1, SQLITE_STATIC);
	if (db_row(q, &r->failed)) {
		n = sqlite3_column_int64(q, 0);
		snprintf(is, EVENT_ID_SIZE, "%s", (const char *)sqlite3_column_text(q, 1));
	}
	sqlite3_finalize(q);
	return n;
}

static const char records_sql[] =
    "SELECT id AS customer_id, external, confirmed, company, lower(hex(ref)) AS id FROM profile"
    " WHERE person = ?1 ORDER BY n";
static const char claims_sql[] =
    "SELECT lower(hex(claim.ref)) AS id, u.id AS customer_id, ident.kind AS kind, ident.value AS "
    "value,"
    " claim.verified AS verified, claim.source AS source, claim.fate AS fate, claim.reason AS "
    "reason, claim.rules AS rules,"
    " ident.state AS state FROM profile u JOIN claim ON claim.unit = u.n JOIN ident"
    " ON ident.id = claim.ident WHERE u.person = ?1 ORDER BY u.n, ident.kind, ident.value";
static const char joins_sql[] =
    "SELECT lower(hex(j.id)) AS id, a.id AS customer_id, b.id AS other, ident.kind AS kind,"
    " ident.value AS value, j.fate AS fate, j.reason AS reason, j.rules AS rules FROM joined j "
    "JOIN profile a"
    " ON a.n = j.unit JOIN profile b ON b.n = j.other JOIN ident ON ident.id = j.ident"
    " WHERE a.person = ?1 OR b.person = ?1 ORDER BY a.n, b.n";
static const char log_sql[] =
    "SELECT lower(hex(op.ref)) AS id, op.kind AS what, a.id AS customer_id, b.id AS other,"
    " op.actor AS actor, op.why AS why, store.name AS store, op.made_us, op.fate AS fate,"
    " op.reason AS reason, op.rules AS rules FROM op LEFT JOIN profile a ON a.ref = "
    "coalesce(op.near_left, op.left)"
    " LEFT JOIN profile b ON b.ref = coalesce(op.near_right, op.right) LEFT JOIN epoch"
    " ON epoch.id = op.epoch LEFT JOIN store ON store.id = epoch.store WHERE a.person = ?1"
    " OR b.person = ?1 OR op.ident IN (SELECT claim.ident FROM profile u JOIN claim"
    " ON claim.unit = u.n WHERE u.person = ?1) OR (op.kind = 'undo' AND op.left IN (SELECT k.ref"
    " FROM profile u JOIN claim ON claim.unit = u.n JOIN op k ON k.ident = claim.ident"
    " WHERE u.person = ?1)) ORDER BY op.id";

json_t *hq_links_read(struct sqlite3 *db, const char *customer_id)
{
	struct hq_rows r = {.db = db};
	char is[EVENT_ID_SIZE] = "";
	int64_t n = person_of(&r, customer_id, is);
	json_t *links;

	if (n == 0)
		return NULL;
	links = json_pack(
	    "{s:s,s:s,s:o,s:o,s:o,s:o}", "customer_id", customer_id, "is", is, "records",
	    hq_rows_list(&r, records_sql, n), "identifiers", named(masked(&r, claims_sql, n)),
	    "joins", named(masked(&r, joins_sql, n)), "log", named(hq_rows_list(&r, log_sql, n)));
	name_refs(json_object_get(links, "records"));
	if (!r.failed)
		return links;
	json_decref(links);
	return NULL;
}

json_t *hq_links_review(struct sqlite3 *db)
{
	struct hq_rows r = {.db = db};
	json_t *list = masked(
	    &r,
	    "SELECT review.id AS number, review.cause AS cause, u.id AS customer_id, o.id AS "
	    "other, ident.kind AS kind,"
	    " ident.value AS value, detail, review.since_us, folded, review.rules FROM review LEFT "
	    "JOIN profile u"
	    " ON u.n = review.unit LEFT JOIN profile o ON o.n = review.other LEFT JOIN ident"
	    " ON ident.id = review.ident ORDER BY review.since_us, review.id LIMIT 10000",
	    0);

	if (!r.failed)
		return list;
	json_decref(list);
	return NULL;
}

/* ---- for a person ---- */

static const char *text(const json_t *row, const char *key, const char *none)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : none;
}

static bool is_set(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key)) != 0;
}

/* On a line of its own, or lines were longer than a terminal's. */
static void print_fate(const json_t *row)
{
	if (strcmp(text(row, "fate", "holds"), "holds") != 0)
		printf("\n      %s%s%s%s%s", text(row, "fate", "?"),
		       json_is_string(json_object_get(row, "reason")) ? ": " : "",
		       text(row, "reason", ""), text(row, "rules", "")[0] ? ", by rules " : "",
		       text(row, "rules", ""));
	printf("\n");
}

static void print_record(const json_t *row)
{
	printf("  %s  key %s  %s%s\n", text(row, "customer_id", "?"), text(row, "external", "-"),
	       is_set(row, "confirmed") ? "confirmed" : "enrolled in a store",
	       is_set(row, "company") ? ", a company" : "");
}

static void print_claim(const json_t *row)
{
	const char *state = text(row, "state", "one");

	printf("  %s  %s  %s %s%s  from %s%s%s", text(row, "id", "?"),
	       text(row, "customer_id", "?"), text(row, "kind", "?"), text(row, "value", "?"),
	       is_set(row, "verified") ? " verified" : "", text(row, "source", "?"),
	       strcmp(state, "one") ? ", " : "", strcmp(state, "one") ? state : "");
	print_fate(row);
}

/* "2026-11-22 17:02" of a time as JSON has it; UTC, as everything that HQ says. */
static void print_minute(const char *time)
{
	if (strlen(time) > 16)
		printf("%.10s %.5s", time, time + 11);
	else
		printf("%s", time);
}

static void print_customers(const json_t *row)
{
	printf("%s%s%s", text(row, "customer_id", "-"), text(row, "other", "")[0] ? " and " : "",
	       text(row, "other", ""));
}

static void print_join(const json_t *row)
{
	printf("  %s  ", text(row, "id", "?"));
	print_customers(row);
	printf(" by %s %s", text(row, "kind", "?"), text(row, "value", "?"));
	print_fate(row);
}

static void print_entry(const json_t *row)
{
	printf("  %s  ", text(row, "id", "?"));
	print_minute(text(row, "made", "?"));
	printf("  %s  ", text(row, "what", "?"));
	print_customers(row);
	printf("\n      by %s%s%s: %s", text(row, "actor", "?"),
	       text(row, "store", "")[0] ? " " : "", text(row, "store", ""), text(row, "why", ""));
	print_fate(row);
}

static void print_list(const json_t *links, const char *key, const char *title,
                       void (*print)(const json_t *row))
{
	const json_t *list = json_object_get(links, key);

	if (json_array_size(list) > 0)
		printf("%s\n", title);
	for (size_t i = 0; i < json_array_size(list); i++)
		print(json_array_get(list, i));
}

void hq_links_print(const json_t *links)
{
	const char *customer = text(links, "customer_id", "?"), *is = text(links, "is", "?");

	if (strcmp(customer, is) != 0)
		printf("%s is part of %s\n", customer, is);
	print_list(links, "records", "records", print_record);
	print_list(links, "identifiers", "identifiers", print_claim);
	print_list(links, "joins", "one identifier, two records", print_join);
	print_list(links, "log", "said by people and stores", print_entry);
}

void hq_links_print_review(const json_t *review)
{
	for (size_t i = 0; i < json_array_size(review); i++) {
		const json_t *row = json_array_get(review, i);
		print_minute(text(row, "since", "?"));
		printf("  %-14s ", text(row, "cause", "?"));
		print_customers(row);
		printf("\n    %s%s%s%s%s", text(row, "kind", ""),
		       text(row, "kind", "")[0] ? " " : "", text(row, "value", ""),
		       text(row, "kind", "")[0] ? ": " : "", text(row, "detail", ""));
		if (!is_set(row, "folded"))
			printf("  (--settle %lld)",
			       (long long)json_integer_value(json_object_get(row, "number")));
		printf("\n");
	}
	printf("%zu to look at\n", json_array_size(review));
}

static void print_change(const json_t *row, bool done)
{
	const char *customer = text(row, "customer_id", "?"), *is = text(row, "is", "?"),
	           *was = text(row, "was", "?");

	if (strcmp(customer, is) == 0)
		printf("%s: %s is a customer again, no longer part of %s\n",
		       done ? "parted" : "would part", customer, was);
	else
		printf("%s: %s is part of %s\n", done ? "joined" : "would join", customer, is);
}

static void print_claims(int64_t count, bool done)
{
	if (count > 0)
		printf("%s: %lld identifiers of customers hold no longer, or hold again\n",
		       done ? "changed" : "would change", (long long)count);
}

void hq_links_print_done(const json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes");
	bool done = json_is_true(json_object_get(answer, "done"));

	for (size_t i = 0; i < json_array_size(changes); i++)
		print_change(json_array_get(changes, i), done);
	if (text(answer, "says", "")[0])
		printf("%s\n", text(answer, "says", ""));
	else if (json_array_size(changes) == 0)
		printf("%s\n", done ? "nobody was joined or parted" : "would join and part nobody");
	print_claims(json_integer_value(json_object_get(answer, "claims")), done);
	if (json_is_string(json_object_get(answer, "refused")))
		printf("the rules refuse it: %s\n", text(answer, "refused", "?"));
	if (done && text(answer, "id", "")[0])
		printf("done; `laneway-hq unlink %s` takes it back\n", text(answer, "id", ""));
	else if (done)
		printf("done\n");
	if (!done)
		printf("nothing has been done: say --yes to do it\n");
}
