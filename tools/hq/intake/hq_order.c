#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hq/intake/hq_epoch.h"

static int by_epoch(const void *a, const void *b)
{
	const struct hq_epoch_node *const *x = a, *const *y = b;

	return memcmp((*x)->epoch, (*y)->epoch, EVENT_EPOCH_BYTES);
}

static int by_place(const void *a, const void *b)
{
	const struct hq_epoch_node *x = a, *y = b;
	bool x_none = x->device[0] == '\0', y_none = y->device[0] == '\0';
	int device = strcmp(x->device, y->device);

	if (x_none != y_none)
		return x_none ? 1 : -1;
	if (device != 0)
		return device;
	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static struct hq_epoch_node *find(struct hq_epoch_node **sorted, size_t n, const uint8_t *epoch)
{
	struct hq_epoch_node key, *wanted = &key, **hit;

	memcpy(key.epoch, epoch, EVENT_EPOCH_BYTES);
	hit = bsearch(&wanted, sorted, n, sizeof *sorted, by_epoch);
	return hit ? *hit : NULL;
}

static struct hq_epoch_node *before(const struct hq_epoch_node *node, struct hq_epoch_node **sorted,
                                    size_t n)
{
	struct hq_epoch_node *prev = node->has_prev ? find(sorted, n, node->prev) : NULL;

	return prev && strcmp(prev->device, node->device) == 0 ? prev : NULL;
}

/* How far an epoch stands from the first known one of its line, and which that is. What is known
 * already (root set) is not walked again; a line that bites its own tail, as no honest store writes
 * one, ends after n steps. */
static void trace(struct hq_epoch_node *node, struct hq_epoch_node **sorted, size_t n)
{
	struct hq_epoch_node *at = node, *prev;
	size_t steps = 0, depth;
	int64_t root;

	while (at->root == 0 && steps < n && (prev = before(at, sorted, n)) != NULL) {
		at = prev;
		steps++;
	}
	root = at->root ? at->root : at->id;
	depth = at->depth + steps;
	for (at = node; at && at->root == 0; at = before(at, sorted, n)) {
		at->root = root;
		at->depth = depth--;
	}
}

int hq_epoch_sort(struct hq_epoch_node *nodes, size_t n)
{
	if (n == 0)
		return 0;
	struct hq_epoch_node **sorted = memory_alloc(n * sizeof *sorted);
	if (!sorted)
		return -1;
	for (size_t i = 0; i < n; i++) {
		sorted[i] = &nodes[i];
		nodes[i].root = 0;
		nodes[i].depth = 0;
	}
	qsort(sorted, n, sizeof *sorted, by_epoch);
	for (size_t i = 0; i < n; i++)
		trace(&nodes[i], sorted, n);
	free(sorted);
	qsort(nodes, n, sizeof *nodes, by_place);
	return 0;
}

struct node_list {
	struct hq_epoch_node *node;
	size_t count, room;
};

static struct hq_epoch_node *add_node(struct node_list *list)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct hq_epoch_node *more = memory_more(list->node, room * sizeof *more);
		if (!more)
			return NULL;
		list->node = more;
		list->room = room;
	}
	memset(&list->node[list->count], 0, sizeof list->node[0]);
	return &list->node[list->count++];
}

static int read_nodes(struct hq_db *db, int64_t store, struct node_list *list)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_EPOCH_ALL, "i", store);

	while (hq_db_row(db, q)) {
		struct hq_epoch_node *node = add_node(list);
		const void *epoch = hq_db_bytes(q, 1, EVENT_EPOCH_BYTES);
		const void *prev = hq_db_bytes(q, 2, EVENT_EPOCH_BYTES);

		if (!node || !epoch) {
			hq_db_end(q);
			return -1;
		}
		node->id = sqlite3_column_int64(q, 0);
		memcpy(node->epoch, epoch, EVENT_EPOCH_BYTES);
		node->has_prev = prev != NULL;
		if (prev)
			memcpy(node->prev, prev, EVENT_EPOCH_BYTES);
		text_copy(node->device, sizeof node->device, hq_db_text(q, 3));
		node->rank = sqlite3_column_int64(q, 4);
	}
	return 0;
}

bool hq_epoch_rank(struct hq_db *db, int64_t store)
{
	struct node_list list = {0};
	int64_t last = 0;
	bool moved = false;

	if (read_nodes(db, store, &list) != 0 || hq_epoch_sort(list.node, list.count) != 0)
		goto out;
	for (size_t i = 0; i < list.count; i++) {
		struct hq_epoch_node *node = &list.node[i];

		if (node->rank) {
			moved |= node->rank < last;
			last = node->rank;
		}
		if (node->rank != (int64_t)i + 1)
			hq_db_run(db, HQ_SQL_EPOCH_RANK, "ii", node->id, (int64_t)i + 1);
	}
out:
	free(list.node);
	return moved;
}
