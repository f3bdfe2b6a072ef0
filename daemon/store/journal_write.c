#include <string.h>

#include "base/text.h"
#include "store/journal_internal.h"
#include "store/sealed.h"

/* Where the batch stood before an entry, to go back to when the entry cannot be written. */
struct place {
	size_t lines, ids, keys, urgent, awaited;
	uint64_t next;
	uint8_t h[EVENT_HASH_BYTES];
};

static size_t key_count(const struct journal_batch *b)
{
	return b->keys.len / sizeof(struct visit_key);
}

static const struct visit_key *key_at(const struct journal_batch *b, size_t i)
{
	return (const struct visit_key *)(void *)b->keys.data + i;
}

/* The ids are random: their first bytes are the hash. */
static uint16_t *key_slot(struct journal_batch *b, const uint8_t id[EVENT_ID_BYTES])
{
	size_t i = buf_get16(id) % JOURNAL_KEY_SLOTS;
	while (b->key_slots[i] && memcmp(key_at(b, b->key_slots[i] - 1u)->id, id, EVENT_ID_BYTES))
		i = (i + 1) % JOURNAL_KEY_SLOTS;
	return &b->key_slots[i];
}

static void forget_keys(struct journal_batch *b, size_t keep)
{
	/* Taken out from behind: what stands in front of a slot stays findable. */
	for (size_t i = key_count(b); i-- > keep;)
		*key_slot(b, key_at(b, i)->id) = 0;
	if (b->keys.len)
		vault_wipe(b->keys.data + keep * sizeof(struct visit_key),
		           b->keys.len - keep * sizeof(struct visit_key));
	b->keys.len = keep * sizeof(struct visit_key);
	b->key_ids.len = keep * EVENT_ID_BYTES;
}

void journal_write_begin(struct journal_batch *b, uint64_t last_seq,
                         const uint8_t h[EVENT_HASH_BYTES])
{
	if (b->keys.len)
		forget_keys(b, 0);
	buf_reset(&b->lines);
	buf_reset(&b->ids);
	buf_reset(&b->keys);
	buf_reset(&b->key_ids);
	buf_reset(&b->urgent);
	buf_reset(&b->awaited);
	b->slot_count = 0;
	b->first = b->next = last_seq + 1;
	memcpy(b->h, h, sizeof(b->h));
	b->begun = true;
}

static int add_key(struct journal_batch *b, const struct visit_key *key)
{
	uint16_t *slot = key_slot(b, key->id);
	if (*slot)
		return 0;
	buf_add(&b->keys, key, sizeof(*key));
	if (b->keys.failed)
		return -1;
	*slot = (uint16_t)key_count(b);
	buf_add(&b->key_ids, key->id, sizeof(key->id));
	return b->key_ids.failed ? -1 : 0;
}

/* The texts of the `sealed` field, in the batch's scratch until the next event. */
static int seal_person(const struct journal *j, struct journal_batch *b, const struct lw_event *ev,
                       struct lw_event_stamp *stamp)
{
	const struct sealed_at at = {.store = j->store, .epoch = j->epoch, .seq = stamp->seq};
	size_t n = strlen(ev->person), sealed_len = n + VAULT_TAG_BYTES;
	const size_t key_text = TEXT_B64_SIZE(EVENT_ID_BYTES),
	             nonce_text = TEXT_B64_SIZE(VAULT_NONCE_BYTES);

	buf_reset(&b->sealed);
	buf_reset(&b->text);
	uint8_t *seal = buf_room(&b->sealed, n + VAULT_SEAL_OVERHEAD);
	char *text = (char *)buf_room(&b->text, key_text + nonce_text + TEXT_B64_SIZE(sealed_len));
	if (!seal || !text || add_key(b, &ev->key) ||
	    sealed_make(b->work, ev->key.key, &at, ev->person, n, seal))
		return -1;
	text_b64(ev->key.id, EVENT_ID_BYTES, text);
	stamp->sealed_k = text;
	text_b64(seal, VAULT_NONCE_BYTES, text += key_text);
	stamp->sealed_n = text;
	text_b64(seal + VAULT_NONCE_BYTES, sealed_len, text += nonce_text);
	stamp->sealed_c = text;
	return 0;
}

static int write_event(const struct journal *j, struct journal_batch *b, const struct entry *e,
                       const struct lw_event *ev)
{
	struct lw_event_stamp stamp = {.store = j->store,
	                               .boot = j->boot,
	                               .epoch = j->epoch,
	                               .seq = b->next,
	                               .id = e->has_id ? &e->id : NULL};
	uint8_t leaf[EVENT_HASH_BYTES];
	size_t at = b->lines.len;

	if (ev->person && seal_person(j, b, ev, &stamp))
		return -1;
	if (lw_event_line(&b->lines, ev, &stamp))
		return -1;
	vault_sha256(b->work, b->lines.data + at, b->lines.len - at, leaf);
	vault_chain(b->work, b->h, j->epoch, b->next, leaf);
	buf_byte(&b->lines, '\n');
	if (ev->urgent)
		buf_add(&b->urgent, &b->next, sizeof(b->next));
	if (lw_event_awaited(ev->kind)) {
		struct journal_awaited awaited = {b->next, ev->kind};
		buf_add(&b->awaited, &awaited, sizeof(awaited));
	}
	b->next++;
	return b->lines.failed || b->urgent.failed || b->awaited.failed ? -1 : 0;
}

static void remember(const struct journal_batch *b, struct place *p)
{
	*p = (struct place){.lines = b->lines.len,
	                    .ids = b->ids.len,
	                    .keys = key_count(b),
	                    .urgent = b->urgent.len,
	                    .awaited = b->awaited.len,
	                    .next = b->next};
	memcpy(p->h, b->h, sizeof(p->h));
}

static void go_back(struct journal_batch *b, const struct place *p)
{
	forget_keys(b, p->keys);
	b->lines.len = p->lines;
	b->ids.len = p->ids;
	b->urgent.len = p->urgent;
	b->awaited.len = p->awaited;
	b->lines.failed = b->ids.failed = b->keys.failed = b->key_ids.failed = false;
	b->urgent.failed = b->awaited.failed = false;
	b->next = p->next;
	memcpy(b->h, p->h, sizeof(b->h));
}

static int write_events(const struct journal *j, struct journal_batch *b, struct entry *e)
{
	struct place before;

	remember(b, &before);
	e->seq = b->next;
	if (e->has_id) {
		struct pack_id id = {e->id, (uint32_t)(b->next - b->first), e->count};
		pack_id_add(&b->ids, &id);
	}
	for (const struct lw_event *ev = e->first; ev; ev = ev->next) {
		if (write_event(j, b, e, ev))
			goto err_go_back;
	}
	/* Alone over the bound of a commit, it might be over what a reader accepts. */
	if (!b->ids.failed && b->lines.len - before.lines <= JOURNAL_LINES_BYTES_MAX)
		return 0;
err_go_back:
	go_back(b, &before);
	return -1;
}

/* An entry is as important as the most important of its events: 'A' before 'B' before 'C'. */
static char entry_class(const struct entry *e)
{
	char best = 'C';
	for (const struct lw_event *ev = e->first; ev; ev = ev->next) {
		char c = lw_event_class(ev->kind);
		if (c < best)
			best = c;
	}
	return best;
}

bool journal_write_entry(const struct journal *j, struct journal_batch *b, struct entry *e,
                         char worst_class)
{
	if (b->slot_count == JOURNAL_ENTRIES_MAX || b->lines.len >= JOURNAL_LINES_BYTES_MAX ||
	    b->next - b->first >= JOURNAL_EVENTS_MAX)
		return false;
	struct journal_slot *slot = &b->slots[b->slot_count++];
	*slot = (struct journal_slot){.entry = e, .at = b->lines.len};
	e->status = ENTRY_PENDING;
	e->reason = NULL;
	if (entry_class(e) > worst_class)
		e->reason = "disk_full";
	else if (e->count == 0 || e->count > JOURNAL_EVENTS_MAX || write_events(j, b, e))
		e->reason = "too_long";
	if (e->reason)
		e->status = ENTRY_REFUSED;
	slot->len = b->lines.len - slot->at;
	return true;
}

void journal_write_take_in(struct journal *j)
{
	struct journal_intake *in = &j->intake;
	size_t n = queue_pop_many(j->in, in->items, JOURNAL_ENTRIES_MAX);
	in->at = in->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (in->items[i] == &j->wake)
			atomic_store(&j->wake_queued, false);
		else
			in->entries[in->count++] = in->items[i];
	}
}

bool journal_write_waiting(struct journal *j, struct journal_batch *b, char worst_class,
                           const atomic_bool *enough)
{
	struct journal_intake *in = &j->intake;
	if (in->at == in->count)
		journal_write_take_in(j);
	for (; in->at < in->count; in->at++) {
		if (enough && atomic_load(enough))
			return false;
		if (!journal_write_entry(j, b, in->entries[in->at], worst_class))
			return false;
	}
	return true;
}

void journal_write_answer(struct journal *j, struct journal_batch *b, bool kept)
{
	for (size_t i = 0; i < b->slot_count; i++) {
		const struct journal_slot *slot = &b->slots[i];
		struct entry *e = slot->entry;
		if (e->status == ENTRY_PENDING && kept) {
			memcpy(e->epoch, j->epoch, sizeof(e->epoch));
			e->lines =
			    entry_text_n(e, (const char *)b->lines.data + slot->at, slot->len);
			e->lines_len = e->lines ? slot->len : 0;
			e->status = ENTRY_KEPT;
		} else {
			e->status = ENTRY_REFUSED;
			e->reason = e->reason ? e->reason : "disk_full";
			e->seq = 0;
			counter_add(j->params.counters, COUNTER_EVENTS_REFUSED, e->count);
		}
		b->answered[i] = e;
	}
	/* There is room: journal_put counts what is out. */
	queue_push_many(j->done, b->answered, b->slot_count);
	b->slot_count = 0;
	b->begun = false;
}
