/* A disk that other processes fill: a file system of a known size, a journal in it, and `dd`. Where
 * this user may not mount, the tests are skipped and say so. */
#include "journal_place.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "fault_vfs.h"
#include "store/journal_internal.h"

#define DISK_MIB 256
#define RESERVE_BYTES (24 * 1024 * 1024)
#define BIG_BYTES 100000

static char disk[96]; /* the mounted folder; one journal at a time */
static uint64_t random_state;

static bool mount_tmpfs(struct place *p)
{
	char size[32];
	(void)p;
	snprintf(size, sizeof(size), "size=%dm", DISK_MIB);
	return mount("tmpfs", disk, "tmpfs", 0, size) == 0;
}

static bool mount_ext4(struct place *p)
{
	char command[400];
	snprintf(command, sizeof(command),
	         "{ truncate -s %dM %s/image && mkfs.ext4 -q %s/image && mount -o loop %s/image "
	         "%s; } 2>/dev/null",
	         DISK_MIB, p->dir, p->dir, p->dir, disk);
	return system(command) == 0;
}

static int set_up_on(void **state, bool (*mount_disk)(struct place *p))
{
	memset(&fault, 0, sizeof(fault));
	random_state = 88172645463325252u;
	struct place *p = place_new();
	snprintf(disk, sizeof(disk), "%s/disk", p->dir);
	assert_int_equal(mkdir(disk, 0700), 0);
	if (!mount_disk(p)) {
		printf("SKIPPED: no file system can be mounted here\n");
		disk[0] = '\0';
	}
	snprintf(p->path, sizeof(p->path), "%s/disk/journal.db", p->dir);
	*state = p;
	return 0;
}

static int set_up(void **state)
{
	return set_up_on(state, mount_tmpfs);
}

static int set_up_ext4(void **state)
{
	return set_up_on(state, mount_ext4);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	memset(&fault, 0, sizeof(fault));
	place_stop(p);
	if (disk[0])
		assert_int_equal(umount(disk), 0);
	place_free(p);
	return 0;
}

static void need_disk(void)
{
	if (!disk[0])
		skip();
}

/* Another process takes all that is left. */
static void fill_disk(void)
{
	char command[300];
	snprintf(command, sizeof(command), "dd if=/dev/zero of=%s/others bs=4096 2>/dev/null",
	         disk);
	assert_int_not_equal(system(command), 0);
}

static void leave_free(int mib)
{
	char command[300];
	snprintf(command, sizeof(command), "truncate -s -%dM %s/others", mib, disk);
	fill_disk();
	assert_int_equal(system(command), 0);
}

static void others_leave(void)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/others", disk);
	unlink(path);
}

/* Text that no compressor shortens much. */
static struct entry *big_entry(enum event_kind kind)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
	struct entry *e = place_entry(kind);
	char *text = malloc(BIG_BYTES + 16);
	size_t n = (size_t)sprintf(text, "{\"reason\":\"");
	while (n < BIG_BYTES) {
		random_state ^= random_state << 13;
		random_state ^= random_state >> 7;
		random_state ^= random_state << 17;
		text[n++] = digits[random_state % 64];
	}
	strcpy(text + n, "\"}");
	e->first->properties = entry_text(e, text);
	free(text);
	return e;
}

/* Is it kept? */
static bool keep(struct place *p, struct entry *e)
{
	place_commit(p, e);
	bool kept = e->status == ENTRY_KEPT;
	if (!kept)
		assert_string_equal(e->reason, "disk_full");
	entry_free(e);
	return kept;
}

static void keep_until_full(struct place *p)
{
	int kept = 0;
	while (keep(p, big_entry(EVENT_ORDER_COMPLETED)))
		assert_true(++kept < 2000);
	assert_true(place_state(p).full);
}

static void every_class_is_refused(struct place *p)
{
	assert_false(keep(p, place_entry(EVENT_ORDER_COMPLETED)));
	assert_false(keep(p, place_entry(EVENT_IDENTIFIER_PRESENTED)));
	assert_false(keep(p, place_entry(EVENT_PRODUCT_ADDED)));
}

static void stays_full(struct place *p)
{
	for (int i = 0; i < 20; i++) {
		every_class_is_refused(p);
		atomic_fetch_add(&p->wall_us, 500000);
	}
}

static void confirm_all(struct place *p, const uint8_t epoch[8])
{
	struct journal_confirm c = {.through = UINT64_MAX};
	memcpy(c.epoch, epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
}

static void wait_for_room(struct place *p)
{
	for (int ms = 0; place_state(p).full; ms++) {
		assert_true(ms < 20000);
		atomic_fetch_add(&p->wall_us, 10000);
		usleep(1000);
	}
}

static void reserve_is_whole(struct place *p)
{
	char path[200];
	struct stat st;
	snprintf(path, sizeof(path), "%s.reserve", p->path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size >= RESERVE_BYTES); /* more after a log that grew longer */
	assert_true(st.st_blocks * 512 >= st.st_size);
}

static void file_is_whole(struct place *p)
{
	struct journal_verify v;
	char err[256] = "";
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
}

static void fill_in_the_middle_of_a_checkpoint(struct place *p)
{
	atomic_store(&fault.file_writes_left, 50);
	fault.on_file_write = fill_disk;
	keep_until_full(p);
	assert_true(atomic_load(&fault.file_writes_left) <= 0);
}

static void the_reserve_is_there_from_the_start_in_real_blocks(void **state)
{
	need_disk();
	place_start(*state);
	reserve_is_whole(*state);
}

static void a_disk_filled_in_the_middle_of_a_checkpoint_is_freed_by_confirmations_alone(
    void **state)
{
	struct place *p = *state;
	need_disk();
	place_start(p);
	for (int i = 0; i < 150; i++)
		assert_true(keep(p, big_entry(EVENT_ORDER_COMPLETED)));
	fill_in_the_middle_of_a_checkpoint(p);
	struct journal_state s = place_state(p);
	stays_full(p);
	assert_int_equal(place_state(p).last_seq, s.last_seq);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	confirm_all(p, s.epoch);
	wait_for_room(p);
	reserve_is_whole(p);
	struct entry *e = place_commit(p, place_entry(EVENT_PRODUCT_ADDED));
	assert_int_equal(e->status, ENTRY_KEPT);
	assert_memory_equal(e->epoch, s.epoch, 8);
	assert_int_equal(e->seq, s.last_seq + 1);
	entry_free(e);
	assert_true(place_state(p).kept < 50);
	file_is_whole(p);
}

/* What the log may not yet copy into the file has to fit into the reserve. */
static void a_reader_that_stays_does_not_let_the_log_outgrow_the_reserve(void **state)
{
	struct place *p = *state;
	need_disk();
	place_start(p);
	struct journal_reader *r = place_reader(p);
	assert_true(keep(p, big_entry(EVENT_ORDER_COMPLETED)));
	assert_int_equal(journal_reader_begin(r), 0);
	assert_int_equal(journal_reader_mark(r, "none", &(struct buf){0}), -1); /* has read */
	leave_free(40);
	keep_until_full(p);
	fill_disk();
	struct journal_state s = place_state(p);
	journal_reader_end(r);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	confirm_all(p, s.epoch);
	wait_for_room(p);
	reserve_is_whole(p);
	assert_true(keep(p, place_entry(EVENT_PRODUCT_ADDED)));
	file_is_whole(p);
}

static void on_a_full_disk_the_journal_opens_and_confirmations_alone_free_it(void **state)
{
	struct place *p = *state;
	need_disk();
	place_start(p);
	for (int i = 0; i < 150; i++)
		assert_true(keep(p, big_entry(EVENT_ORDER_COMPLETED)));
	struct journal_state s = place_state(p);
	place_stop(p); /* in order: its log is gone, and to open takes a little room */
	fill_disk();
	place_start(p);
	assert_false(p->set_aside);
	assert_true(place_state(p).full);
	every_class_is_refused(p);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	confirm_all(p, s.epoch);
	wait_for_room(p);
	reserve_is_whole(p);
	struct entry *e = place_commit(p, place_entry(EVENT_PRODUCT_ADDED));
	assert_int_equal(e->status, ENTRY_KEPT);
	assert_int_equal(e->seq, 2);
	entry_free(e);
	file_is_whole(p);
	place_stop(p);
	place_start(p);
	assert_false(p->set_aside);
	file_is_whole(p);
}

/* Whatever is released it takes at once. */
static pid_t greedy_neighbour(void)
{
	static const char zeros[4096];
	char path[200];
	snprintf(path, sizeof(path), "%s/others", disk);
	pid_t pid = fork();
	if (pid)
		return pid;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (;;) {
		if (write(fd, zeros, sizeof(zeros)) < 0)
			usleep(100);
	}
}

static void a_neighbour_that_takes_even_the_reserve_only_delays_it(void **state)
{
	struct place *p = *state;
	need_disk();
	place_start(p);
	for (int i = 0; i < 100; i++)
		assert_true(keep(p, big_entry(EVENT_ORDER_COMPLETED)));
	pid_t neighbour = greedy_neighbour();
	keep_until_full(p);
	struct journal_state s = place_state(p);
	stays_full(p);
	kill(neighbour, SIGKILL);
	waitpid(neighbour, NULL, 0);
	others_leave();
	wait_for_room(p);
	reserve_is_whole(p);
	assert_true(keep(p, place_entry(EVENT_ORDER_COMPLETED)));
	assert_int_equal(place_state(p).last_seq, s.last_seq + 1);
	file_is_whole(p);
}

static void room_that_others_make_is_enough(void **state)
{
	struct place *p = *state;
	need_disk();
	place_start(p);
	fill_disk();
	keep_until_full(p);
	struct journal_state s = place_state(p);
	others_leave();
	wait_for_room(p);
	assert_true(keep(p, place_entry(EVENT_ORDER_COMPLETED)));
	assert_int_equal(place_state(p).last_seq, s.last_seq + 1);
	reserve_is_whole(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_reserve_is_there_from_the_start_in_real_blocks),
	    TEST(a_disk_filled_in_the_middle_of_a_checkpoint_is_freed_by_confirmations_alone),
	    cmocka_unit_test_setup_teardown(
	        a_disk_filled_in_the_middle_of_a_checkpoint_is_freed_by_confirmations_alone,
	        set_up_ext4, tear_down),
	    TEST(a_reader_that_stays_does_not_let_the_log_outgrow_the_reserve),
	    TEST(on_a_full_disk_the_journal_opens_and_confirmations_alone_free_it),
	    TEST(a_neighbour_that_takes_even_the_reserve_only_delays_it),
	    TEST(room_that_others_make_is_enough),
	};
	fault_install();
	cmocka_set_test_filter(getenv("LANEWAY_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
