/* What HQ holds, as JSON: for `laneway-hq status`, `laneway-hq profile` and the control socket. */
#ifndef LANEWAY_HQ_STATUS_H
#define LANEWAY_HQ_STATUS_H

struct sqlite3;
struct json_t;

/* Read through any connection. A new object, or NULL (logged). */
struct json_t *hq_status_read(struct sqlite3 *db);
/* One customer by HQ's id; NULL: not known, or an error. */
struct json_t *hq_status_profile(struct sqlite3 *db, const char *customer_id);

/* Print for a person. */
void hq_status_print(const struct json_t *status);
void hq_status_print_profile(const struct json_t *profile);

#endif
