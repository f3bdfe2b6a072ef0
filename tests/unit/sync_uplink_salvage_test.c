/* What came back from a damaged journal goes to HQ under its own names, around what is missing. */
#include "sync_uplink_world.h"

#include <fcntl.h>

static void damage(struct fixture *f)
{
	uint8_t page[4096];
	int fd = open(f->place->path, O_RDWR);
	assert_true(fd >= 0);
	long pages = lseek(fd, 0, SEEK_END) / 4096;
	for (long at = 0; at < pages; at += at == 0 ? pages / 4 : pages / 4 + 1) {
		vault_random(page, sizeof(page));
		assert_int_equal(pwrite(fd, page, sizeof(page), at * 4096), sizeof(page));
	}
	close(fd);
}

static void wait_for_salvage(struct fixture *f)
{
	for (int ms = 0; place_state(f->place).salvage.running; ms++) {
		assert_true(ms < 10000);
		usleep(1000);
	}
}

static void salvaged_epochs_are_sent_around_their_holes(void **state)
{
	struct fixture *f = *state;
	struct journal_epoch e[3];
	fill(f, 300);
	place_stop(f->place);
	uplink_free(f->uplink);
	damage(f);
	place_start(f->place);
	assert_true(f->place->set_aside);
	uplink_start(f); /* perhaps before anything has come back */
	wait_for_salvage(f);
	uplink_up(f->uplink);
	later(f, 60 * S);
	for (int i = 0; i < 20; i++)
		uplink_step(f->uplink);
	assert_int_equal(journal_reader_epochs(place_reader(f->place), e, 3), 2);
	assert_true(e[0].hole_count >= 1);
	uint64_t sent = 0;
	for (int i = 0; i < f->sent_count; i++) {
		const struct sent *s = &f->sent[i];
		sent += s->count;
		for (uint32_t k = 0; memcmp(s->epoch, e[0].epoch, 8) == 0 && k < e[0].hole_count;
		     k++)
			assert_true(s->first > e[0].holes[k].last ||
			            s->first + s->count - 1 < e[0].holes[k].first);
	}
	assert_int_equal(sent, place_state(f->place).kept);
	assert_int_equal(now(f).unconfirmed, sent);

	/* HQ holds the runs, and no more. */
	struct confirm *c = f->confirm;
	memset(c->epochs, 0, 2 * sizeof(c->epochs[0]));
	c->epoch_count = 2;
	for (int i = 0; i < 2; i++) {
		struct confirm_epoch *w = &c->epochs[i];
		uint64_t next = 1;
		memcpy(w->epoch, e[i].epoch, 8);
		for (uint32_t k = 0; k < e[i].hole_count; k++) {
			w->ranges[w->range_count].first = next;
			w->ranges[w->range_count++].last = e[i].holes[k].first - 1;
			next = e[i].holes[k].last + 1;
		}
		w->ranges[w->range_count].first = next;
		w->ranges[w->range_count++].last = e[i].last_seq;
	}
	uplink_confirm(f->uplink, c);
	assert_int_equal(now(f).unconfirmed, 0);
	await_confirmed(f, sent);
	int before = f->sent_count;
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, before);

	/* A restored HQ gets the same again, and nothing is waited for that is not there. */
	uplink_generation(f->uplink, "0011223344556677", true);
	later(f, 60 * S);
	for (int i = 0; i < 20; i++)
		uplink_step(f->uplink);
	assert_int_equal(now(f).unconfirmed, sent);
}

/* On a full disk the journal starts without an epoch, and begins one when there is room. */
static void an_epoch_that_begins_late_is_sent_too(void **state)
{
	struct fixture *f = *state;
	fill(f, 3);
	place_stop(f->place);
	uplink_free(f->uplink);
	char reserve[200];
	snprintf(reserve, sizeof(reserve), "%s.reserve", f->place->path);
	unlink(reserve);
	assert_int_equal(mkdir(reserve, 0700), 0); /* it cannot be made */
	place_start(f->place);
	assert_true(place_state(f->place).full);
	uplink_start(f);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	rmdir(reserve);
	for (int ms = 0; place_state(f->place).full; ms++) {
		assert_true(ms < 10000);
		later(f, 1000000);
		usleep(1000);
	}
	fill(f, 2);
	later(f, 60 * S);
	uplink_step(f->uplink);
	uint64_t sent = 0;
	for (int i = 0; i < f->sent_count; i++)
		if (memcmp(f->sent[i].epoch, place_state(f->place).epoch, 8) == 0)
			sent += f->sent[i].count;
	assert_int_equal(sent, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(salvaged_epochs_are_sent_around_their_holes, set_up,
	                                    tear_down),
	    cmocka_unit_test_setup_teardown(an_epoch_that_begins_late_is_sent_too, set_up,
	                                    tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
