// runtime/memo.hpp: what one deepcopy() call remembers. Original -> copy, and who keeps originals alive.
//
// To Python the memo of copy.deepcopy is a dict {id(original): copy, id(memo): [originals]}. Building
// it costs more than copying. So a memo is NATIVE as long as nobody can tell the difference, and its
// mutation by strangers turns it, once and for good, into a MAPPING: then the dict is the memo, and
// every question goes to it in copy.py's words (mapping_memo.hpp). A caller's own memo is a mapping
// from the start.
//
// The native memo
//   log_     events in stdlib's order: "memo[id(o)] = c" (PAIR), "keep o alive" (DONE), often both in
//            one entry. With dict_, complete: the dict can be brought up to date from it at any time.
//            What a hook returned, and what it wrote for its object, is in dict_ already and not in the log.
//   table_   o -> c, for look-ups. Behind the log: see "lazy".
//   dict_    the exact dict given to a __deepcopy__, once one was; then also its list of originals.
//
//        log_:  [ written to dict_ | owned | raw ]
//                0      <=   written_  <=  owned_  <=  size
//   written  the dict owns the copy, its list (or the frame in progress) the original; the entry is
//            never dereferenced again.
//   owned    the log holds a reference to both. DONE alone owns the original too: its PAIR may be
//            written already, and nothing else hold it once its frame has gone.
//   raw      plain addresses.
//
// Why raw is safe, and what would go wrong otherwise: between two entries into Python code ("a pure
// stretch") nothing that the log names can die: originals hang in the source graph, copies in the
// unfinished copy. Python code may cut either. So secure() runs before Python code does: if anybody
// else holds dict_, pairs are written to it, else both sides are increfed. Forget that, and a hook
// that drops a visited object leaves a dangling address, or, when the address is reused by a new
// object, a copy of the wrong thing.
//
// Lazy: why most objects are never hashed. An object whose reference count is 1 is held by its parent
// alone. In a pure stretch it can be met only through that parent, so once, if the parent itself is
// walked only once. Such an object ("unique", decided by the walker) is neither looked up nor put
// into the table. It enters the table only when the stretch ends before the copy does, because after
// Python code has run it may have got around (and then, being owned, it has a count of 2). hashed_ is
// the prefix of the log that is in the table, due_ the one that has to be before a look-up may tell; hashing waits
// for the first look-up.
//   The parent is walked twice only if it is entered again before it has a copy: a tuple on a cycle.
//   (or a tuple that Python code moved: then it is noted when its next child is asked for, before
//   anything that is not yet findable hangs below it.) Such parents are noted in the table as "in progress"; meeting the note sets always_look_up_,
//   everything logged is due to be hashed, and uniqueness is not used again in this copy. So does an original
//   that is recorded as its own copy, unless its handler is pure and can as well be asked again.
//
//   An object whose handler let Python code run may have been moved meanwhile, so that its count is 1
//   and its only holder one that is yet to be walked: such an entry is owned as soon as it is made.
//
// Errors. Entries that are raw when an error unwinds the walk may name copies that die with it:
// discard_raw() forgets them. Python code that raised was preceded by secure(), so what stdlib would
// have in the memo at that moment is there.
//
// Writes of strangers to dict_ are noticed by its version (cpython/dict_version.hpp) when Python code
// returns. Not by comparing contents: that would cost as much as having no native memo.
//   One write is taken in, and the memo stays native: memo[id(self)] = y, by the hook that runs, as the only
// write since we looked. The versions tell that there was one, if no other dict was written between; else the
// entries are compared with what they were (dict_snapshot.hpp), in a memo of up to 512. The entry lies behind all
// others. Its key is the address of an object that is no atom and that its hook holds, so
// neither passing atoms nor "unique" skips a look-up that would have found it. Were any of this guessed,
// an overwrite of an older entry, or an entry for an object not met yet, would be lost. A hook that returns
// self, or raises, leaves an entry whose original nobody keeps: then uniqueness is given up, as it is for
// tuples on cycles.
#pragma once

#include "cpython/dict_version.hpp"
#include "dict_snapshot.hpp"
#include "mapping_memo.hpp"
#include "memo_table.hpp"
#include "pod_vector.hpp"
#include "primitives/mutants.hpp"
#include "safepoint.hpp"

#include <calque/compat.hpp>
#include <calque/ref.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace calque {

namespace explain {
class Trace;
}  // namespace explain

class Memo : public FromMalloc {
public:
    using Found = mapping_memo::Found;

    /// How calque.Memo (module/) finds its memo: null once the copy has ended.
    struct Link {
        Memo* memo;
    };

    Memo() noexcept = default;
    Memo(const Memo&) = delete;
    Memo& operator=(const Memo&) = delete;
    ~Memo() { reset(); }

    /// From now on the memo is `mapping`.
    void use_mapping(Borrowed mapping) noexcept;
    /// Forgets everything; the copy has ended. May run finalizers.
    void reset() noexcept {
        if (nobody_knew_it()) [[likely]] {
            hashed_ = due_ = 0;
            always_look_up_ = false;
            log_.clear(kKeptEvents);
            table_.clear();
        } else {
            forget(true);
        }
    }

    bool native() const noexcept { return native_; }
    /// Native, and what it has can be looked up without a walk: nobody explains the copy.
    bool answers_at_once() const noexcept { return answers_at_once_; }
    /// Walks on this memo are told to `trace`, until it is null.
    void tell(explain::Trace* trace) noexcept {
        trace_ = trace;
        answers_at_once_ = native_ && trace == nullptr;
    }
    explain::Trace* trace() const noexcept { return trace_; }
    /// Both are the same mapping: hooks of one copy have continued it with that.
    bool shares_mapping_with(const Memo& other) const noexcept {
        return !native_ && !other.native_ && dict_.get() == other.dict_.get();
    }
    /// Entries made natively so far.
    std::size_t logged() const noexcept { return log_.size(); }
    /// Mapping memo on an object whose methods may be Python code.
    bool mapping_runs_python() const noexcept { return !native_ && !exact_dict_; }
    bool passes_atomics() const noexcept { return passes_atomics_; }
    bool always_looks_up() const noexcept { return always_look_up_; }

    /// Native: the dict handed out. Whoever meets it in the graph makes it the memo.
    bool is_own_dict(Borrowed x) const noexcept { return x.get() == dict_.get(); }

    // Native and mapping alike. `unique`: see "Lazy"; false when in doubt.
    Found find(Borrowed x, Borrowed nil, Ref& copy) noexcept {
        if (native_ && is_own_dict(x)) {
            adopt_dict();  // its entry is the list of originals, and its copy an entry of its own
        }
        return native_ ? find_native(x, copy) : mapping_memo::get(dict_, x, nil, copy);
    }
    /// Native: the copy of x, borrowed, if it is there to be seen at a glance. Null says nothing, unless `absent`.
    [[gnu::always_inline]] PyObject* glance(Borrowed x, bool& absent) const noexcept {
        absent = false;
        if (hashed_ < due_ || is_own_dict(x)) {
            return nullptr;
        }
        const std::uintptr_t* value = table_.find(x.get());
        absent = value == nullptr;
        return value != nullptr && *value > kUnchanged ? reinterpret_cast<PyObject*>(*value) : nullptr;
    }
    Found find_again(Borrowed x, Ref& copy) noexcept {
        return native_ ? find_native(x, copy) : mapping_memo::subscript(dict_, x, copy);
    }
    /// memo[id(x)] = copy. `repeatable`: nobody would notice if x, not found, were copied once more.
    [[nodiscard]] bool publish(Borrowed x, Borrowed copy, bool unique, bool repeatable = false) noexcept {
        return native_ ? log(x, copy, kPair, unique, repeatable) : mapping_memo::store(dict_, x, copy);
    }
    /// memo[id(x)] = copy; keep x alive. `published`: the first half was done before.
    [[nodiscard]] bool complete(Borrowed x, Borrowed copy, bool published, bool unique) noexcept {
        if (native_) {
            return log(x, copy, published ? kDone : kPair | kDone, unique);
        }
        return mapping_memo::store(dict_, x, copy) && mapping_memo::keep_alive(dict_, x, exact_dict_);
    }

    // Native, and x != copy; the same as publish() and complete().
    [[nodiscard]] [[gnu::always_inline]] bool log_pair(Borrowed x, Borrowed copy, bool unique) noexcept {
        return unique && !always_look_up_ ? push(x, copy, kPair) : log(x, copy, kPair, false);
    }
    [[nodiscard]] [[gnu::always_inline]] bool log_done(Borrowed x, Borrowed copy, bool published,
                                                       bool unique) noexcept {
        if (published) {
            return push(x, copy, kDone);
        }
        return unique && !always_look_up_ ? push(x, copy, kPair | kDone) : log(x, copy, kPair | kDone, false);
    }

    /// Native: x is being copied, has no copy yet, and could be met again.
    [[nodiscard]] bool note_in_progress(Borrowed x) noexcept;
    /// The same, known to be absent: nothing has to be hashed before.
    [[nodiscard]] bool note_new_in_progress(Borrowed x) noexcept;
    /// Native: x, noted before, came out as its own copy: asked again, it is walked again.
    void note_unchanged(Borrowed x) noexcept;

    [[nodiscard]] bool keep_alive(Borrowed x) noexcept;

    // Work that grows with the copy, a slice at a time (safepoint.hpp): entries that the next look-up has to hash, and those
    // that the next hook has to find in the dict.
    std::size_t unhashed() const noexcept { return native_ && hashed_ < due_ ? due_ - hashed_ : 0; }
    std::size_t unwritten() const noexcept { return native_ ? log_.size() - written_ : 0; }
    /// Somebody holds the dict, and Python code runs next: more than is written in one go.
    bool has_much_to_write() const noexcept { return unwritten() > safepoint::slice() && dict_is_seen(); }
    /// False with MemoryError set.
    [[nodiscard]] bool hash_slice() noexcept {
        return hash_up_to(hashed_ + std::min(unhashed(), safepoint::slice()));
    }
    /// Makes the dict if there is none.
    [[nodiscard]] bool write_slice() noexcept;
    /// Nobody but the walk itself can ask it or enter anything.
    bool is_private() const noexcept { return native_ && !dict_ && !link_ && users == 1; }

    /// Python code is about to run: see "raw". False with MemoryError set; safe all the same.
    [[nodiscard]] bool secure() noexcept {
        if (mutants::is(mutants::Mutant::memo_shared_with_nested_call)) {
            return !native_ || secure_log();
        }
        return !native_ || written_ == log_.size() || (owned_ == log_.size() && !dict_is_seen())
            || secure_log();
    }
    /// Python code has run: notices writes to the dict.
    void notice_writes() noexcept {
        if (mutants::is(mutants::Mutant::write_of_user_not_noticed)) {
            return;
        }
        looked_now_ = false;
        if (native_ && dict_ && !(DictStamp::of(dict_.get()) == stamp_) && !take_in_entry()) {
            adopt_dict();
        }
    }

    /// Native, and somebody else holds the dict.
    bool dict_is_seen() const noexcept { return native_ && dict_ && Py_REFCNT(dict_.get()) > 1; }
    /// Native, and nobody has written to the dict.
    bool untouched() const noexcept { return native_ && dict_ && DictStamp::of(dict_.get()) == stamp_; }

    /// While the hook of `x`, which somebody holds, runs: see "Writes of strangers".
    class RunningHook {
    public:
        RunningHook(Memo& memo, PyObject* x) noexcept : memo_(memo), x_(x), before_(memo.hooked_) {
            memo.hooked_ = x;
        }
        RunningHook(const RunningHook&) = delete;
        RunningHook& operator=(const RunningHook&) = delete;
        /// Another hook's object if greenlets return in any order: then nobody's.
        ~RunningHook() { memo_.hooked_ = memo_.hooked_ == x_ ? before_ : nullptr; }

    private:
        Memo& memo_;
        PyObject* const x_;
        PyObject* const before_;
    };
    /// Inside the bracket of the hook of x, which has returned `copy`, or raised: an entry that will be overwritten is the dict's
    /// affair, since what goes with it may have a finalizer.
    void expect(Borrowed x, Borrowed copy) noexcept {
        notice_writes();
        if (native_ && dict_ && copy && !(copy == x)) {
            const std::uintptr_t* value = table_.find(x.get());
            if (value != nullptr && *value > kUnchanged
                && *value != reinterpret_cast<std::uintptr_t>(copy.get())) {
                adopt_dict();
            }
        }
    }
    /// Native, and the dict can be handed to a hook as it is: complete, and no Python code has run since it was looked
    /// at. Then secure() has nothing to do either.
    bool is_complete() const noexcept { return looked_now_ && is_written(); }
    /// While is_complete().
    Ref dict() const noexcept { return Ref::share(dict_); }
    /// When nobody has written to the dict, neither strangers nor walks on this memo, two moments are the same.
    using Moment = DictStamp;
    Moment moment() const noexcept { return stamp_; }
    bool is_as_of(Moment before) const noexcept { return before == stamp_ && is_written() && untouched(); }
    /// While the dict holds all there is to hold: complete(), for an object that is not in the memo.
    [[nodiscard]] bool enter_in_dict(Borrowed x, Borrowed copy) noexcept;
    /// The same as complete(), for what the hook of x returned: the dict that it was given is written at once.
    [[nodiscard]] bool complete_hook(Borrowed x, Borrowed copy, bool unique) noexcept;
    /// The same for what was copied natively, without a walk.
    [[nodiscard]] bool enter_finished(Borrowed x, Borrowed copy) noexcept {
        return is_written() ? enter_in_dict(x, copy) : log_done(x, copy, false, false) && secure();
    }
    /// A hook has returned its object itself, or raised. False with MemoryError set.
    [[nodiscard]] bool entry_may_stay() noexcept {
        return !native_ || !entry_taken_in_ || always_look_up_ || met_again() != Found::error;
    }
    void discard_raw() noexcept;
    /// Everything logged is owned: an entry made across Python code may be met with a count of 1.
    void own_all() noexcept {
        if (!mutants::is(mutants::Mutant::moved_object_not_owned)) {
            own_up_to(log_.size());
        }
    }
    /// The copy has ended well; a dict that somebody kept is complete. False with MemoryError set.
    [[nodiscard]] bool conclude() noexcept;

    /// The copy has ended, but walks on this memo are suspended elsewhere: from now on it is theirs.
    void leave_to_nested() noexcept;

    /// What a hook receives: the exact dict, complete up to here, or the caller's mapping.
    Ref object() noexcept;

    /// The living native memo that handed out `dict`, or null.
    static Memo* living(Borrowed dict) noexcept {
        for (std::size_t i = living_memos_.size(); i-- > 0;) {
            if (Borrowed(living_memos_[i]->dict_) == dict) {
                return living_memos_[i];
            }
        }
        return nullptr;
    }

    // For calque.Memo: reads by id without building the dict, and the link. May throw bad_alloc.
    Found get_by_id(void* id, Ref& copy) noexcept;
    bool has_dict() const noexcept { return bool(dict_); }
    std::shared_ptr<Link> link();

    int users = 1;  // the owning context, and nested walks on this memo

private:
    // Capacities kept for the next copy: 128 KiB of log.
    static constexpr std::size_t kKeptEvents = 8192;
    static constexpr std::size_t kFirstSnapshots = 8;
    static constexpr std::uintptr_t kPair = 1, kDone = 2, kHashed = 4, kTags = 7;
    // Values in table_ that are no copies.
    static constexpr std::uintptr_t kInProgress = 0, kUnchanged = 1;

    struct Event {
        std::uintptr_t tagged;
        PyObject* copy;
        PyObject* original() const noexcept { return reinterpret_cast<PyObject*>(tagged & ~kTags); }
        bool is(std::uintptr_t tag) const noexcept { return (tagged & tag) != 0; }
    };

    Found find_native(Borrowed x, Ref& copy) noexcept {
        if (hashed_ < due_ && !hash_up_to(due_)) {
            return Found::error;
        }
        const std::uintptr_t* value = table_.find(x.get());
        if (value == nullptr) {
            return Found::miss;
        }
        if (*value <= kUnchanged) {
            return *value == kInProgress ? met_again() : Found::miss;
        }
        copy = Ref::share(reinterpret_cast<PyObject*>(*value));
        return Found::hit;
    }

    bool log(Borrowed x, Borrowed copy, std::uintptr_t tags, bool unique, bool repeatable = false) noexcept;
    [[gnu::always_inline]] bool push(Borrowed x, Borrowed copy, std::uintptr_t tags) noexcept {
        return log_.push_back({reinterpret_cast<std::uintptr_t>(x.get()) | tags, copy.get()}) || no_memory();
    }
    static bool no_memory() noexcept;  // false
    bool hash_up_to(std::size_t end) noexcept;
    Found met_again() noexcept;
    static void own(const Event& event) noexcept;
    static void disown(const Event& event) noexcept;
    void own_up_to(std::size_t end) noexcept;
    bool write_up_to(std::size_t end) noexcept;
    bool write(const Event& event) noexcept;
    bool write_original(Borrowed x) noexcept;
    bool write_first_original(Borrowed x) noexcept;
    bool take_in_entry() noexcept;
    bool find_only_new_entry(PyObject*& key, PyObject*& copy) noexcept;
    // `written_now`: its stamp is the last that was given to any dict.
    void look_at_dict(bool written_now) noexcept {
        stamp_ = looked_ = DictStamp::of(dict_.get());
        size_ = PyDict_GET_SIZE(dict_.get());
        looked_now_ = written_now;
        if (snapshots_left_ != 0) [[unlikely]] {
            extend_snapshot();
        }
    }
    void extend_snapshot() noexcept;
    void adopt_dict() noexcept;
    void forget(bool politely) noexcept;
    // Native to the end, and nothing is owned.
    bool nobody_knew_it() const noexcept {
        return native_ && !dict_ && owned_ == 0 && kept_.empty() && !link_ && !living_
            && !mutants::is(mutants::Mutant::memo_shared_with_nested_call);
    }
    // Native, and the dict holds all there is to hold.
    bool is_written() const noexcept {
        return native_ && dict_ && written_ == log_.size()
            && !mutants::is(mutants::Mutant::memo_shared_with_nested_call)
            && !mutants::is(mutants::Mutant::flush_without_keepalive);
    }
    bool open_dict() noexcept;
    void release_log(bool politely) noexcept;
    bool secure_log() noexcept;

    // Native memos whose dict Python code has seen. Guarded by the GIL; rarely more than two long.
    static inline PodVector<Memo*> living_memos_;

    bool native_ = true;
    bool answers_at_once_ = true;
    bool exact_dict_ =
        false;  // the mapping is a dict whose list of originals, as far as we have seen, is a list
    bool passes_atomics_ = true;
    bool always_look_up_ = false;
    bool living_ = false;
    std::size_t hashed_ = 0;
    std::size_t due_ = 0;
    std::size_t owned_ = 0;
    std::size_t written_ = 0;
    PodVector<Event> log_;
    MemoTable table_;
    PodVector<PyObject*> kept_;  // owned: keep_alive()
    Ref dict_;                   // native: the dict handed out; mapping: the memo itself
    Ref originals_;              // the list at dict_[id(dict_)]
    DictStamp stamp_;            // of dict_, with all that was written by us or taken in
    DictStamp looked_;           // that, or the last stamp given before Python code ran
    Py_ssize_t size_ = 0;        // of dict_ then
    bool looked_now_ = false;    // no Python code has run since looked_
    // The entries of dict_ then; kept up at first, and once a hook has written to other dicts before its entry.
    DictSnapshot snapshot_;
    bool entries_compared_ = false;
    std::size_t snapshots_left_ = kFirstSnapshots;
    PyObject* hooked_ = nullptr;
    bool entry_taken_in_ = false;
    explain::Trace* trace_ = nullptr;
    std::shared_ptr<Link> link_;
};

}  // namespace calque
