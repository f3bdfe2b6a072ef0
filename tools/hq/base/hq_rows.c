#include "hq/base/hq_rows.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/db.h"

static json_t *time_or_null(sqlite3_stmt *q, int column)
{
	char text[CLOCK_ISO8601_SIZE];

	if (sqlite3_column_type(q, column) == SQLITE_NULL)
		return json_null();
	clock_iso8601(sqlite3_column_int64(q, column), text);
	return json_string(text);
}

static json_t *text_or_null(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return text ? json_string(text) : json_null();
}

static json_t *column(sqlite3_stmt *q, int i)
{
	const char *name = sqlite3_column_name(q, i); /* NULL: out of memory */
	size_t n = name ? strlen(name) : 0;

	if (n > 3 && strcmp(name + n - 3, "_us") == 0)
		return time_or_null(q, i);
	if (sqlite3_column_type(q, i) == SQLITE_INTEGER)
		return json_integer(sqlite3_column_int64(q, i));
	return text_or_null(q, i);
}

json_t *hq_rows_list(struct hq_rows *r, const char *sql, int64_t arg)
{
	sqlite3_stmt *q = db_prepare(r->db, sql);
	json_t *list = json_array();

	if (q && sqlite3_bind_parameter_count(q) > 0)
		sqlite3_bind_int64(q, 1, arg);
	while (db_row(q, &r->failed)) {
		json_t *row = json_object();
		for (int i = 0; i < sqlite3_column_count(q); i++) {
			char name[64];
			const char *of = sqlite3_column_name(q, i);
			size_t n = (size_t)snprintf(name, sizeof name, "%s", of ? of : "");
			if (n > 3 && strcmp(name + n - 3, "_us") == 0)
				name[n - 3] = '\0';
			json_object_set_new(row, name, column(q, i));
		}
		json_array_append_new(list, row);
	}
	sqlite3_finalize(q);
	return list;
}
