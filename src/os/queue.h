/* queue.h - work that is handed to a crew of threads, and what comes back from them.
 *
 * A list is a doubly linked FIFO of links that lie inside whatever is listed; a link is on one list
 * at most, and its owner knows which. A queue has two lists under one lock: `waiting` for the crew,
 * whose threads sleep while it is empty, and `done` for the one thread that handed the work in,
 * which sleeps elsewhere and is woken through an eventfd. Nothing is allocated and nothing is
 * bounded here: links are the memory. */
#ifndef OS_QUEUE_H
#define OS_QUEUE_H

#include "os/lock.h"

struct link {
	struct link *next, *previous;
};

struct list {
	struct link *first, *last;
	size_t count;
};

void list_append(struct list *l, struct link *link);
/* Behind `before`, which is on the list; NULL: first of all. */
void list_insert(struct list *l, struct link *before, struct link *link);
void list_remove(struct list *l, struct link *link);

/* Takes the first off the list; NULL if there is none. */
struct link *list_take(struct list *l);

/* The structure of type `type` whose member `member` is the link that `pointer` points to; of NULL,
 * NULL. */
#define link_owner(pointer, type, member) \
	((type *)(void *)((pointer) ? (char *)(pointer) - offsetof(type, member) : NULL))

struct queue {
	struct lock lock;
	struct condition work;
	struct list waiting, done;
	int wake; /* eventfd that wakes who collects from `done`; -1 if nobody waits there */
};

/* `q` is zeroed. */
void queue_init(struct queue *q, int wake);

/* Hands in work, and takes it: the thread that takes waits until there is some. */
void queue_put(struct queue *q, struct link *link);
struct link *queue_take(struct queue *q);

/* Takes back work that waits. False if a thread of the crew has it, or had it. */
must_check bool queue_withdraw(struct queue *q, struct link *link);

/* Collects what was done: NULL when there is nothing. */
struct link *queue_collect(struct queue *q);

/* For owners who change more than the lists at once, and for who gives back what was done. The lock
 * is taken by them; they wake after giving it. */
void queue_wake_crew(struct queue *q);      /* after appending to `waiting` */
void queue_wake_collector(struct queue *q); /* after appending to `done` */

#endif
