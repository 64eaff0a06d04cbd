#include "os/queue.h"

#include "base/clock.h"
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct piece {
	int number;
	struct link link;
};

static struct piece *piece_of(struct link *link)
{
	return link_owner(link, struct piece, link);
}

static struct queue new_queue(int wake)
{
	static struct queue q;
	q = (struct queue){ 0 };
	queue_init(&q, wake);
	return q;
}

TEST(list_is_first_in_first_out)
{
	struct piece pieces[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	struct list l = { 0 };
	expect(list_take(&l) == NULL);
	for (size_t i = 0; i < countof(pieces); i++)
		list_append(&l, &pieces[i].link);
	expect_int(l.count, 3);
	for (int i = 0; i < 3; i++)
		expect_int(piece_of(list_take(&l))->number, i);
	expect(list_take(&l) == NULL && l.first == NULL && l.last == NULL);
	expect_int(l.count, 0);
}

/* Which of three are taken out of the middle, as bits; what is left keeps its order. */
TEST(list_gives_up_any_of_its_links)
{
	for (unsigned taken = 0; taken < 8; taken++) {
		struct piece pieces[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
		struct list l = { 0 };
		context("taken %x", taken);
		for (size_t i = 0; i < countof(pieces); i++)
			list_append(&l, &pieces[i].link);
		for (size_t i = 0; i < countof(pieces); i++)
			if (taken >> i & 1)
				list_remove(&l, &pieces[i].link);
		for (int i = 0; i < 3; i++)
			if (!(taken >> i & 1))
				expect_int(piece_of(list_take(&l))->number, i);
		expect(list_take(&l) == NULL && l.last == NULL);
	}
}

TEST(link_owner_of_nothing_is_nothing)
{
	expect(piece_of(NULL) == NULL);
}

static void give_back(struct queue *q, struct link *link)
{
	lock_take(&q->lock);
	list_append(&q->done, link);
	lock_give(&q->lock);
}

TEST(queue_wakes_its_collector)
{
	struct piece pieces[2] = { { .number = 0 }, { .number = 1 } };
	int wake = eventfd(0, EFD_NONBLOCK);
	uint64_t wakes = 0;
	struct queue q = new_queue(wake);
	expect(queue_collect(&q) == NULL);
	give_back(&q, &pieces[0].link);
	give_back(&q, &pieces[1].link);
	queue_wake_collector(&q);
	expect(read(wake, &wakes, sizeof(wakes)) == sizeof(wakes));
	expect_int(wakes, 1);
	expect_int(piece_of(queue_collect(&q))->number, 0);
	expect_int(piece_of(queue_collect(&q))->number, 1);
	expect(queue_collect(&q) == NULL);
	close(wake);
}

TEST(queue_gives_up_what_waits)
{
	struct piece pieces[2] = { { .number = 0 }, { .number = 1 } };
	struct queue q = new_queue(-1);
	queue_put(&q, &pieces[0].link);
	queue_put(&q, &pieces[1].link);
	expect(queue_withdraw(&q, &pieces[0].link));
	expect(!queue_withdraw(&q, &pieces[0].link));
	expect_int(piece_of(queue_take(&q))->number, 1);
	expect(!queue_withdraw(&q, &pieces[1].link));
}

enum { CREW = 4, PIECES = 5000 };

static void *work_run(void *arg)
{
	struct queue *q = arg;
	for (;;) {
		struct link *link = queue_take(q);
		struct piece *piece = piece_of(link);
		if (piece->number < 0)
			return NULL;
		piece->number++;
		give_back(q, link);
	}
}

/* All that is handed in comes back, each piece done once. */
TEST(queue_serves_a_crew)
{
	static struct piece pieces[PIECES], ends[CREW];
	static struct queue q;
	pthread_t crew[CREW];
	size_t back = 0;
	q = new_queue(-1);
	for (size_t i = 0; i < CREW; i++)
		check(pthread_create(&crew[i], NULL, work_run, &q) == 0);
	for (size_t i = 0; i < PIECES; i++)
		queue_put(&q, &pieces[i].link);
	while (back < PIECES)
		for (struct link *link = NULL; (link = queue_collect(&q)); back++)
			expect_int(piece_of(link)->number, 1);
	for (size_t i = 0; i < CREW; i++) {
		ends[i].number = -1;
		queue_put(&q, &ends[i].link);
	}
	for (size_t i = 0; i < CREW; i++)
		pthread_join(crew[i], NULL);
	expect(queue_collect(&q) == NULL);
}
