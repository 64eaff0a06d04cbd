#include "os/queue.h"

#include "os/thread.h"

/* ---- lists ---- */

void list_insert(struct list *l, struct link *before, struct link *link)
{
	struct link *next = before ? before->next : l->first;
	*link = (struct link){ .next = next, .previous = before };
	*(before ? &before->next : &l->first) = link;
	*(next ? &next->previous : &l->last) = link;
	l->count++;
}

void list_append(struct list *l, struct link *link)
{
	list_insert(l, l->last, link);
}

void list_remove(struct list *l, struct link *link)
{
	check(l->count > 0);
	*(link->previous ? &link->previous->next : &l->first) = link->next;
	*(link->next ? &link->next->previous : &l->last) = link->previous;
	*link = (struct link){ 0 };
	l->count--;
}

struct link *list_take(struct list *l)
{
	struct link *link = l->first;
	if (link)
		list_remove(l, link);
	return link;
}

/* ---- queues ---- */

void queue_init(struct queue *q, int wake)
{
	condition_init(&q->work);
	q->wake = wake;
}

void queue_wake_crew(struct queue *q)
{
	condition_signal(&q->work);
}

void queue_wake_collector(struct queue *q)
{
	if (q->wake >= 0)
		thread_wake(q->wake);
}

void queue_put(struct queue *q, struct link *link)
{
	lock_take(&q->lock);
	list_append(&q->waiting, link);
	lock_give(&q->lock);
	queue_wake_crew(q);
}

struct link *queue_take(struct queue *q)
{
	lock_take(&q->lock);
	while (!q->waiting.first)
		(void)condition_wait(&q->work, &q->lock, DEADLINE_NEVER);
	struct link *link = list_take(&q->waiting);
	lock_give(&q->lock);
	return link;
}

bool queue_withdraw(struct queue *q, struct link *link)
{
	lock_take(&q->lock);
	struct link *at = q->waiting.first;
	while (at && at != link)
		at = at->next;
	if (at)
		list_remove(&q->waiting, at);
	lock_give(&q->lock);
	return at;
}

struct link *queue_collect(struct queue *q)
{
	lock_take(&q->lock);
	struct link *link = list_take(&q->done);
	lock_give(&q->lock);
	return link;
}
