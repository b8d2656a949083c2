'''A service that can be tested, in one page; and what differs from doeff. This is read: `help("calque.effects.tutorial")`. A test runs it.

A service that greets users: it fetches a user over HTTP, with a base address from the configuration, counts how many it has greeted, and logs.
What it wants is said by effects. Three are there already (State's, Reader's, Writer's); HTTP is ours:

>>> from calque.effects import (Ask, Effect, Get, Modify, Pass, Reader, Resume, ResumeThrow, State, Tell, Transfer,
...                             UnhandledEffect, WithHandler, Writer, do, handles, run, with_handlers)
>>> class Fetch(Effect):
...     url: str
...     timeout: float = 10.0

The annotations are the fields, a class attribute is a default. An effect is a plain object, and does nothing:

>>> Fetch("http://example.org")
Fetch(url='http://example.org', timeout=10.0)

Programs are generator functions with @do. They yield effects, and other programs:

>>> @do
... def fetch_user(name):
...     base = yield Ask("base")
...     response = yield Fetch(f"{base}/users/{name}")
...     return response["title"]
>>> @do
... def greet(name):
...     try:
...         title = yield fetch_user(name)
...     except LookupError:
...         yield Tell(f"no such user: {name}")
...         return "Hello, stranger."
...     greeted = (yield Modify("greeted", lambda n: (n or 0) + 1)) or 0
...     yield Tell(f"greeted {name}")
...     return f"Hello, {title} {name}. You are number {greeted + 1}."

Nothing here says how to fetch. In production a handler does:

>>> @handles(Fetch)
... def over_http(effect, k):
...     import json, urllib.request
...     with urllib.request.urlopen(effect.url, timeout=effect.timeout) as response:
...         return Resume(k, json.load(response))

and in a test another one, which needs no network. `k` is the rest of the program; resuming it with a value makes the value what `yield
Fetch(...)` evaluates to, and throwing into it raises there:

>>> def pretend(pages):
...     @handles(Fetch)
...     def handler(effect, k):
...         if effect.url in pages:
...             return Transfer(k, pages[effect.url])
...         raise LookupError(effect.url)
...     return handler

A handler that raises before it resumes raises at the effect, so `greet` catches the LookupError. Handlers are installed around programs, the
outermost first:

>>> state, log = State(), Writer()
>>> web = pretend({"http://test/users/ada": {"title": "Countess"}})
>>> def in_test(program):
...     return run(with_handlers([state, log, Reader({"base": "http://test"}), web], program))
>>> in_test(greet("ada"))
'Hello, Countess ada. You are number 1.'
>>> in_test(greet("nobody"))
'Hello, stranger.'
>>> state.items(), log.logs()
({'greeted': 1}, ['greeted ada', 'no such user: nobody'])

A program without a handler for something it wants says so, and names those that were asked:

>>> run(WithHandler(state, fetch_user("ada")))
Traceback (most recent call last):
    ...
calque.effects.UnhandledEffect: no handler for the effect Ask; in force here, innermost first: State

Handlers are around programs, so they can do what a decorator around a call cannot: see each effect on its way. This one retries, without a
word in the service. It sees a Fetch, performs it again for the handlers further out, as often as it takes, and resumes the service with
the answer:

>>> @handles(Fetch)
... @do
... def retrying(effect, k):
...     for attempt in range(3):
...         try:
...             return (yield Resume(k, (yield effect)))
...         except ConnectionError:
...             yield Tell(f"attempt {attempt + 1} failed")
...     yield ResumeThrow(k, ConnectionError("gave up"))

There is a mistake in it, on purpose: the `try` also encloses what the service does after the effect, for `yield Resume` ends only when the
service does. What belongs to the effect goes first, the Resume last, where it is a tail and costs nothing to wait for:

>>> @handles(Fetch)
... @do
... def retrying(effect, k):
...     for attempt in range(3):
...         try:
...             answer = yield effect
...         except ConnectionError:
...             yield Tell(f"attempt {attempt + 1} failed")
...         else:
...             return (yield Resume(k, answer))
...     return (yield ResumeThrow(k, ConnectionError("gave up")))
>>> failures = [ConnectionError(), ConnectionError()]
>>> def flaky(effect, k):
...     if isinstance(effect, Fetch) and failures:
...         raise failures.pop()
...     return Pass(effect, k)
>>> log = Writer()
>>> run(with_handlers([state, log, Reader({"base": "http://test"}), web, flaky, retrying], greet("ada")))
'Hello, Countess ada. You are number 2.'
>>> log.logs()
['attempt 1 failed', 'attempt 2 failed', 'greeted ada']

`flaky` is a handler without @handles: it is asked about everything, and passes on what is not its business.

A handler that does not resume ends the body; what it returns is what the WithHandler evaluates to. The body's `finally` blocks run:

>>> class Abort(Effect):
...     reason: str
>>> @do
... def transaction():
...     try:
...         yield Abort("no")
...         return "done"
...     finally:
...         print("rolled back")
>>> run(WithHandler(handles(Abort)(lambda effect, k: f"aborted: {effect.reason}"), transaction()))
rolled back
'aborted: no'

More than one run
-----------------
Values that cross into a transaction, into a branch, into a log or into a task are deep copies, made by calque.deepcopy: what the registry says of a
class counts, and a value that cannot be copied is named with its key and path.

A checkout that is done as a whole, or not at all. Nothing it did is left when it fails, not even inside of the values of State:

>>> from calque.effects import Abort, Choose, Gather, Put, Spawn, Tasks, Transaction, first, record, replay, run_all
>>> @do
... def checkout(*items):
...     stock, basket = (yield Get("stock")), (yield Get("basket"))
...     for item in items:
...         if stock.get(item, 0) == 0:
...             yield Abort(f"no {item} left")
...         stock[item] -= 1
...         basket.append(item)
...     return "done"
>>> shop = State({"stock": {"tea": 2, "cake": 1}, "basket": []})
>>> run(WithHandler(shop, Transaction(checkout("tea", "cake", "cake"))))
'no cake left'
>>> shop.items()
{'stock': {'tea': 2, 'cake': 1}, 'basket': []}
>>> run(WithHandler(shop, Transaction(checkout("tea", "cake")))), shop.items()
('done', {'stock': {'tea': 1, 'cake': 0}, 'basket': ['tea', 'cake']})

A planner that looks at each way through a thousand. Each branch has a State of its own, which it may change as it likes:

>>> @do
... def plan(days):
...     for day in range(days):
...         hours = yield Choose(range(10))
...         (yield Get("diary")).append((day, hours))
...     diary = yield Get("diary")
...     return sum(hours for _, hours in diary), diary
>>> diary = State({"diary": [("eve", 1)]})
>>> found = run_all(WithHandler(diary, plan(3)))
>>> len(found), max(found), diary.items()
(1000, (28, [('eve', 1), (0, 9), (1, 9), (2, 9)]), {'diary': [('eve', 1)]})

A branch that chooses from nothing has come to an end, so a search is a program, too:

>>> @do
... def change(amount, coins):
...     if amount == 0:
...         return []
...     coin = yield Choose([each for each in coins if each <= amount])
...     return [coin, *(yield change(amount - coin, [each for each in coins if each <= coin]))]
>>> first(change(9, [5, 3]))
[3, 3, 3]

A run that failed, and runs again in a test as it did, without its handlers in Python:

>>> log = record(with_handlers([State(), Writer(), Reader({"base": "http://test"}), pretend({})], fetch_user("ada")))
>>> print(log)
0  Ask('base') -> 'http://test'
1  Fetch(url='http://test/users/ada', timeout=10.0) raised LookupError('http://test/users/ada')
   raised LookupError('http://test/users/ada')
>>> replay(with_handlers([Reader({"base": "http://test"})], fetch_user("ada")), log)
Traceback (most recent call last):
    ...
LookupError: http://test/users/ada

`log.at(i)` is what State held after effect i. A program that does something else than it did is told so, with the number of the effect:

>>> replay(with_handlers([Reader({"base": "http://test"})], fetch_user("bob")), log)
Traceback (most recent call last):
    ...
calque.effects.DivergenceError: the program is not deterministic: effect 1 was Fetch(url='http://test/users/ada', timeout=10.0), and is Fetch(url='http://test/users/bob', timeout=10.0)

Programs that run beside each other, each with a copy of State as it was when it was spawned:

>>> @do
... def customer(name):
...     yield Modify("visits", lambda visits: [*visits, name])
...     return (yield Get("visits"))
>>> @do
... def morning():
...     tasks = []
...     for name in ("ada", "bob"):
...         tasks.append((yield Spawn(customer(name))))
...     return (yield Gather(*tasks)), (yield Get("visits"))
>>> run(Tasks(WithHandler(State({"visits": ["first"]}), morning())))
([['first', 'ada'], ['first', 'bob']], ['first'])

A program that another process runs, here a worker of Dask (`pip install distributed`). It is sent as the call it is, so its function has to be
a module's; it brings its handlers; what it tells is told here, what it raises is raised here, and cancelling the task that waits cancels it:

    from calque.effects import Remote, dask
    from distributed import Client

    run(with_handlers([Writer(), dask(Client())], Remote(with_handlers([State({"n": 1})], shop.count(2)))))

What differs from doeff
-----------------------
doeff (github.com/proboscis/doeff) has the same idea and some of the names. For who knows it:

    doeff                              here                       why
    handler(h)(body())                 WithHandler(h, body())     the name of its first plan; handlers and bodies are both plain values
    EffectBase                         Effect                     with fields by annotation, and a native constructor
    state(initial={})(body())          WithHandler(State({}), body())   the store belongs to an object that can be asked: state.items()
    writer_log(), and others           writer.logs()              introspection is a method, not an effect
    Delegate (first plan)              Delegate(), Pass(e, k)     Delegate() is Pass of what the handler was called with: it ends the handler
    re-perform                         yield effect               the same
    @do(non_tail=True)                 nothing                    a tail is seen in the bytecode, not in the source; who has more to do is none
    one-shot error ends the run        OneShotError               raised at the yield, can be caught, and the run goes on
    Modify was removed                 Modify(key, f)             evaluates to the old value
    Get of a missing key: None         the same                   State(strict=True) raises KeyError
    RunResult (in between)             run returns, or raises     the value itself, the exception itself
    raw generators (first plan)        TypeError                  they cannot be run twice; a handler may return one
    WithObserve, Try, Local, Listen    the same names             each is a body with a handler in Python around it
    CreateContinuation                 nothing                    a program that has not begun is a value: with_handlers(handlers, program)
    TailEval                           nothing                    a tail is recognised
    Spawn, Gather, Race, Cancel, Await the same names             Tasks(program) is the scheduler, await run_async(program) the one within asyncio
    Promise, priorities                nothing                    a semaphore, or a task that waits, is one

What a handler raises before it has resumed is raised at the effect, as in doeff. (OCaml raises it at the WithHandler.)
'''
