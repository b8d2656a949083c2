// runtime/memo.cpp: see the essay in memo.hpp.
#include "memo.hpp"

#include "primitives/list_slots.hpp"
#include "saved_error.hpp"

namespace calque {

bool Memo::no_memory() noexcept {
    PyErr_NoMemory();
    return false;
}

void Memo::use_mapping(Borrowed mapping) noexcept {
    native_ = answers_at_once_ = false;
    exact_dict_ = PyDict_CheckExact(mapping.get());
    passes_atomics_ = CALQUE_ATOMICS_BEFORE_MEMO || mutants::is(mutants::Mutant::atomics_not_looked_up);
    dict_ = Ref::share(mapping);
}

// `politely`: the copy has ended, and nobody comes back to this memo.
void Memo::forget(bool politely) noexcept {
    if (mutants::is(mutants::Mutant::memo_shared_with_nested_call)) {
        mutants::outer_memo = nullptr;
    }
    if (link_) {
        link_->memo = nullptr;
        link_.reset();
    }
    if (living_) {
        for (std::size_t i = 0; i < living_memos_.size(); ++i) {
            if (living_memos_[i] == this) {
                living_memos_[i] = living_memos_.back();
                living_memos_.pop_back();
                break;
            }
        }
        living_ = false;
    }
    if (!log_.empty() || table_.size() != 0) {
        release_log(politely);
    }
    native_ = true;
    answers_at_once_ = trace_ == nullptr;
    exact_dict_ = false;
    passes_atomics_ = true;
    always_look_up_ = false;
    entry_taken_in_ = false;
    snapshot_.forget();
    entries_compared_ = false;
    snapshots_left_ = kFirstSnapshots;
    if (!kept_.empty()) {
        PodVector<PyObject*> kept;
        kept.swap(kept_);
        for (PyObject* object : kept) {
            Ref owned = Ref::steal(object);
        }
    }
    if (dict_) {
        // Taken out first: the last reference to a dict may run finalizers, which may copy.
        DictStamp::forget(dict_.get());
        Ref originals = std::move(originals_);
        Ref dict = std::move(dict_);
    }
}

// Gives up the references of the owned part and forgets log and table. The log is taken out first,
// because giving up a reference may run a finalizer.
void Memo::release_log(bool politely) noexcept {
    PodVector<Event> log;
    log.swap(log_);
    const std::size_t from = written_;
    const std::size_t to = owned_;
    hashed_ = due_ = owned_ = written_ = 0;
    table_.clear();
    safepoint::Poll poll;
    for (std::size_t i = from; i < to; ++i) {
        if (politely && i % safepoint::slice() == 0 && poll.due_now()) {
            poll.give_way();
        }
        disown(log[i]);
    }
    log.clear(kKeptEvents);
    if (log_.empty()) {
        log_.swap(log);
    }
}

bool Memo::log(Borrowed x, Borrowed copy, std::uintptr_t tags, bool unique, bool repeatable) noexcept {
    if ((tags & kPair) != 0 && (!unique || always_look_up_)) {
        if (!table_.insert(x.get(), reinterpret_cast<std::uintptr_t>(copy.get()))) {
            no_memory();
            return false;
        }
        tags |= kHashed;
    }
    if (!log_.push_back({reinterpret_cast<std::uintptr_t>(x.get()) | tags, copy.get()})) {
        if ((tags & kHashed) != 0) {
            note_unchanged(x);
        }
        no_memory();
        return false;
    }
    if (x == copy && !always_look_up_ && !repeatable) {
        // Its own copy, and recorded as such: stdlib finds the record even through a parent that is
        // walked again because it, too, came out unchanged.
        return met_again() != Found::error;
    }
    return true;
}

bool Memo::hash_up_to(std::size_t end) noexcept {
    for (; hashed_ < end; ++hashed_) {
        Event& event = log_[hashed_];
        if (event.is(kPair) && !event.is(kHashed)) {
            if (!table_.insert(event.original(), reinterpret_cast<std::uintptr_t>(event.copy))) {
                no_memory();
                return false;
            }
            event.tagged |= kHashed;
        }
    }
    return true;
}

Memo::Found Memo::met_again() noexcept {
    always_look_up_ = true;
    due_ = log_.size();
    return Found::miss;
}

bool Memo::note_in_progress(Borrowed x) noexcept {
    if (mutants::is(mutants::Mutant::in_progress_not_noted)) {
        return true;
    }
    // A tuple that Python code moved below itself may have been copied there already.
    if (table_.find(x.get()) != nullptr) {
        return true;
    }
    return hash_up_to(due_) && (table_.find(x.get()) != nullptr || note_new_in_progress(x));
}

bool Memo::note_new_in_progress(Borrowed x) noexcept {
    return table_.insert(x.get(), kInProgress) || no_memory();
}

void Memo::note_unchanged(Borrowed x) noexcept {
    if (table_.find(x.get()) != nullptr) {
        // Overwrites, so it needs no memory and cannot fail.
        static_cast<void>(table_.insert(x.get(), kUnchanged));
    }
}

bool Memo::keep_alive(Borrowed x) noexcept {
    if (!native_) {
        return mapping_memo::keep_alive(dict_, x, exact_dict_);
    }
    Ref owned = Ref::share(x);
    if (!kept_.push_back(owned.get())) {
        no_memory();
        return false;
    }
    static_cast<void>(owned.release());
    return true;
}

void Memo::own(const Event& event) noexcept {
    if (!mutants::is(mutants::Mutant::flush_without_keepalive)) {
        static_cast<void>(Ref::share(event.original()).release());
    }
    if (event.is(kPair)) {
        static_cast<void>(Ref::share(event.copy).release());
    }
}

void Memo::disown(const Event& event) noexcept {
    Ref original =
        Ref::steal(mutants::is(mutants::Mutant::flush_without_keepalive) ? nullptr : event.original());
    Ref copy = Ref::steal(event.is(kPair) ? event.copy : nullptr);
}

void Memo::own_up_to(std::size_t end) noexcept {
    for (; owned_ < end; ++owned_) {
        own(log_[owned_]);
    }
    due_ = std::max(due_, owned_);
}

bool Memo::write(const Event& event) noexcept {
    if (event.is(kPair)) {
        Ref key = Ref::steal(PyLong_FromVoidPtr(event.original()));
        if (!key || PyDict_SetItem(dict_.get(), key.get(), event.copy) != 0) {
            return false;
        }
    }
    return !event.is(kDone) || mutants::is(mutants::Mutant::flush_without_keepalive)
        || write_original(event.original());
}

bool Memo::write_original(Borrowed x) noexcept {
    return originals_ ? list_slots::append(originals_, Ref::share(x)) : write_first_original(x);
}

bool Memo::write_first_original(Borrowed x) noexcept {
    Ref key = Ref::steal(PyLong_FromVoidPtr(dict_.get()));
    Ref list = Ref::steal(PyList_New(0));
    if (!key || !list || PyList_Append(list.get(), x.get()) != 0
        || PyDict_SetItem(dict_.get(), key.get(), list.get()) != 0) {
        return false;
    }
    originals_ = std::move(list);
    return true;
}

bool Memo::write_up_to(std::size_t end) noexcept {
    bool good = hash_up_to(end);
    for (; good && written_ < end; ++written_) {
        const Event& event = log_[written_];
        if (!(good = write(event))) {
            break;
        }
        if (written_ < owned_) {
            // The dict owns the copy now; its list, or the frame in progress, the original.
            disown(event);
        }
    }
    if (owned_ < written_) {
        owned_ = written_;
        due_ = std::max(due_, owned_);
    }
    look_at_dict(true);
    return good;
}

bool Memo::write_slice() noexcept {
    own_up_to(log_.size());  // who waits has its turn between two slices
    return open_dict() && write_up_to(written_ + std::min(unwritten(), safepoint::slice()));
}

void Memo::extend_snapshot() noexcept {
    --snapshots_left_;
    snapshot_.extend(dict_);
}

bool Memo::complete_hook(Borrowed x, Borrowed copy, bool unique) noexcept {
    if (!is_written()) {
        const bool done = complete(x, copy, false, unique);
        own_all();
        return done;
    }
    const std::uintptr_t* known = table_.find(x.get());
    if (known == nullptr || *known <= kUnchanged) {
        return enter_in_dict(x, copy);
    }
    const bool written = write_original(x);
    look_at_dict(false);
    return written;
}

bool Memo::enter_in_dict(Borrowed x, Borrowed copy) noexcept {
    Ref key = Ref::steal(PyLong_FromVoidPtr(x.get()));
    if (!key || PyDict_SetItem(dict_.get(), key.get(), copy.get()) != 0) {
        return false;
    }
    if (!table_.insert(x.get(), reinterpret_cast<std::uintptr_t>(copy.get()))) {
        return no_memory();
    }
    const bool written = write_original(x);
    look_at_dict(true);
    return written;
}

bool Memo::secure_log() noexcept {
    if (mutants::is(mutants::Mutant::memo_shared_with_nested_call)) {
        mutants::outer_memo = this;
    }
    if (dict_is_seen() && written_ < log_.size() && !write_up_to(log_.size())) {
        own_up_to(log_.size());
        return false;
    }
    own_up_to(log_.size());
    return true;
}

bool Memo::conclude() noexcept { return !native_ || !dict_is_seen() || write_up_to(log_.size()); }

void Memo::discard_raw() noexcept {
    if (!native_) {
        return;
    }
    for (std::size_t i = owned_; i < log_.size(); ++i) {
        if (log_[i].is(kHashed)) {
            note_unchanged(log_[i].original());
        }
    }
    log_.truncate(owned_);
    hashed_ = std::min(hashed_, owned_);
    due_ = std::min(due_, owned_);
}

// False: more was written than the entry that the hook which runs makes for its object.
bool Memo::take_in_entry() noexcept {
    PyObject *key = nullptr, *copy = nullptr;
    if (hooked_ == nullptr || written_ != log_.size() || !find_only_new_entry(key, copy)
        || !PyLong_CheckExact(key)) {
        return false;
    }
    int too_large = 0;  // raises nothing: an exception of the hook may be in flight
    if (PyLong_AsLongLongAndOverflow(key, &too_large) != reinterpret_cast<std::intptr_t>(hooked_)
        || too_large != 0) {
        return false;
    }
    if (!table_.insert(hooked_, reinterpret_cast<std::uintptr_t>(copy))) {
        return false;
    }
    entry_taken_in_ = true;
    look_at_dict(false);
    return true;
}

// What the dict holds since we looked, if that is one entry, and it was changed in no other way.
bool Memo::find_only_new_entry(PyObject*& key, PyObject*& copy) noexcept {
    if (DictStamp::of(dict_.get()).is_next_after(looked_)
        || mutants::is(mutants::Mutant::other_writes_of_hook_missed)) {
        Py_ssize_t place = size_;  // we and those taken in only ever added
        return PyDict_Next(dict_.get(), &place, &key, &copy) != 0;
    }
    if (snapshot_.size() != size_ || !snapshot_.has_one_more(dict_, key, copy)) {
        return false;
    }
    entries_compared_ = true;
    snapshots_left_ = SIZE_MAX;
    return true;
}

// A stranger has written to the dict: from now on it is the memo.
void Memo::adopt_dict() noexcept {
    const SavedError in_flight;  // we may be on the way out of a hook that raised
    if (written_ < log_.size() && !write_up_to(log_.size())) {
        // Only when the dict had been ours alone, and memory is exhausted: sharing is lost for what
        // could not be written, as after memo.clear(); the next allocation reports the shortage.
        PyErr_Clear();
    }
    DictStamp::forget(dict_.get());
    Ref dict = std::move(dict_);
    Ref originals = std::move(originals_);
    std::shared_ptr<Link> link;
    link.swap(link_);
    PodVector<PyObject*> kept;
    kept.swap(kept_);
    forget(false);
    kept_.swap(kept);
    link_ = std::move(link);
    use_mapping(dict);
}

void Memo::leave_to_nested() noexcept {
    if (link_) {
        link_->memo = nullptr;
        link_.reset();
    }
    own_all();
    if (native_ && dict_) {
        adopt_dict();
    }
}

bool Memo::open_dict() noexcept {
    if (dict_) {
        return true;
    }
    Ref dict = Ref::steal(PyDict_New());
    if (!dict) {
        return false;
    }
    if (!living_memos_.push_back(this)) {
        return no_memory();
    }
    living_ = true;
    dict_ = std::move(dict);
    look_at_dict(true);
    return true;
}

Ref Memo::object() noexcept {
    if (!native_) {
        return Ref::share(dict_);
    }
    if (!open_dict()) {
        return {};
    }
    if (written_ < log_.size() && !write_up_to(log_.size())) {
        return {};
    }
    if (!looked_now_) {
        if (!entries_compared_) {
            looked_ = DictStamp::now();
        }
        looked_now_ = true;
    }
    return Ref::share(dict_);
}

Memo::Found Memo::get_by_id(void* id, Ref& copy) noexcept {
    const Borrowed x(static_cast<PyObject*>(id));
    if (!native_) {
        return mapping_memo::get(dict_, x, {}, copy);
    }
    if (!hash_up_to(log_.size())) {
        return Found::error;
    }
    const std::uintptr_t* value = table_.find(id);
    if (value == nullptr || *value <= kUnchanged) {
        return Found::miss;
    }
    copy = Ref::share(reinterpret_cast<PyObject*>(*value));
    return Found::hit;
}

std::shared_ptr<Memo::Link> Memo::link() {
    if (!link_) {
        link_ = std::make_shared<Link>(Link{this});
    }
    return link_;
}

}  // namespace calque
