#include "experts/runtime/Pickle.h"

#include <bit>
#include <cstring>

namespace hf::runtime {

namespace {

constexpr std::size_t kMostValues = 4'000'000;      // a VISTA3D state dict has some 8,000
constexpr std::size_t kMostItems = 16'000'000;

// Names as in Python's pickletools.
enum Code : std::uint8_t {
    Mark = '(', EmptyTuple = ')', Stop = '.', BinFloat = 'G', BinInt = 'J', BinInt1 = 'K', BinInt2 = 'M', None = 'N', BinPersId = 'Q', Reduce = 'R',
    BinString = 'T', ShortBinString = 'U', BinUnicode = 'X', EmptyList = ']', Append = 'a', Build = 'b', Global = 'c', DictCode = 'd', EmptyDict = '}',
    Appends = 'e', BinGet = 'h', LongBinGet = 'j', ListCode = 'l', BinPut = 'q', LongBinPut = 'r', SetItem = 's', TupleCode = 't', SetItems = 'u',
    BinBytes = 'B', ShortBinBytes = 'C', Pop = '0', Proto = 0x80, NewObj = 0x81, Tuple1 = 0x85, Tuple2 = 0x86, Tuple3 = 0x87, NewTrue = 0x88, NewFalse = 0x89,
    Long1 = 0x8a, Long4 = 0x8b, ShortBinUnicode = 0x8c, BinUnicode8 = 0x8d, EmptySet = 0x8f, AddItems = 0x90, NewObjEx = 0x92, StackGlobal = 0x93,
    Memoize = 0x94, Frame = 0x95
};

bool isDictSymbol(const PickleValue& symbol)
{
    return symbol.isSymbol("collections", "OrderedDict") || symbol.isSymbol("builtins", "dict") || symbol.isSymbol("__builtin__", "dict");
}

bool isSetSymbol(const PickleValue& symbol)
{
    return (symbol.text == "builtins" || symbol.text == "__builtin__") && (symbol.name == "set" || symbol.name == "frozenset");
}

bool isSequence(const PickleValue& value)
{
    return value.is(PickleValue::Kind::Tuple) || value.is(PickleValue::Kind::List) || value.is(PickleValue::Kind::Set);
}

} // namespace

PickleValue::Ref PickleValue::find(std::string_view key) const
{
    Ref found = nullptr;
    for (std::size_t n = 0; kind == Kind::Dict && n + 1 < items.size(); n += 2) {
        if (items[n]->is(Kind::Text) && items[n]->text == key) {
            found = items[n + 1];
        }
    }
    return found;
}

PickleValue::Ref Pickle::next()
{
    m_stack.clear();
    m_memo.clear();
    while (step()) {
    }
    PickleValue* value = pop();
    if (!m_stack.empty()) {
        throw PickleError("the pickle leaves values over");
    }
    return value;
}

/// One operation; false at the end of the pickle.
bool Pickle::step()
{
    const auto code = std::uint8_t(take(1)[0]);
    if (code == Stop) {
        return false;
    }
    if (code == Proto) {
        if (unsignedNumber(1) > 5) {
            throw PickleError("the pickle protocol is not known");
        }
        return true;
    }
    if (code == Frame) {
        unsignedNumber(8);
        return true;
    }
    if (!stepNumber(code) && !stepText(code) && !stepContainer(code) && !stepMemo(code) && !stepObject(code)) {
        throw PickleError("the pickle has the operation code " + std::to_string(code) + ", which is not allowed");
    }
    return true;
}

bool Pickle::stepNumber(std::uint8_t code)
{
    const auto integer = [&](std::int64_t value, Kind kind = Kind::Int) { make(kind)->integer = value; };
    switch (code) {
    case None: make(Kind::None); return true;
    case NewTrue: integer(1, Kind::Bool); return true;
    case NewFalse: integer(0, Kind::Bool); return true;
    case BinInt: integer(std::int32_t(unsignedNumber(4))); return true;
    case BinInt1: integer(std::int64_t(unsignedNumber(1))); return true;
    case BinInt2: integer(std::int64_t(unsignedNumber(2))); return true;
    case Long1: pushLong(unsignedNumber(1)); return true;
    case Long4: pushLong(unsignedNumber(4)); return true;
    case BinFloat: {
        // Big endian.
        std::uint64_t bits = 0;
        for (const char byte : take(8)) {
            bits = bits << 8 | std::uint8_t(byte);
        }
        make(Kind::Float)->real = std::bit_cast<double>(bits);
        return true;
    }
    default: return false;
    }
}

bool Pickle::stepText(std::uint8_t code)
{
    switch (code) {
    case BinUnicode: pushText(Kind::Text, unsignedNumber(4)); return true;
    case ShortBinUnicode: pushText(Kind::Text, unsignedNumber(1)); return true;
    case BinUnicode8: pushText(Kind::Text, unsignedNumber(8)); return true;
    // Python 2 wrote its texts so.
    case BinString: pushText(Kind::Text, unsignedNumber(4)); return true;
    case ShortBinString: pushText(Kind::Text, unsignedNumber(1)); return true;
    case BinBytes: pushText(Kind::Bytes, unsignedNumber(4)); return true;
    case ShortBinBytes: pushText(Kind::Bytes, unsignedNumber(1)); return true;
    default: return false;
    }
}

bool Pickle::stepContainer(std::uint8_t code)
{
    switch (code) {
    case Mark: make(Kind::Mark); return true;
    case EmptyTuple: make(Kind::Tuple); return true;
    case EmptyList: make(Kind::List); return true;
    case EmptyDict: make(Kind::Dict); return true;
    case EmptySet: make(Kind::Set); return true;
    case Tuple1: pushTuple(1); return true;
    case Tuple2: pushTuple(2); return true;
    case Tuple3: pushTuple(3); return true;
    case TupleCode: case ListCode: {
        const auto items = popToMark();
        append(*make(code == TupleCode ? Kind::Tuple : Kind::List), items);
        return true;
    }
    case DictCode: {
        const auto items = popToMark();
        make(Kind::Dict);
        addItems(items, true);
        return true;
    }
    case Append: addItems({pop()}, false); return true;
    case Appends: case AddItems: addItems(popToMark(), false); return true;
    case SetItem: {
        const PickleValue* value = pop();
        const PickleValue* key = pop();
        addItems({key, value}, true);
        return true;
    }
    case SetItems: addItems(popToMark(), true); return true;
    case Pop:
        if (m_stack.empty()) {
            throw PickleError("the pickle takes more than it has");
        }
        m_stack.pop_back();
        return true;
    default: return false;
    }
}

bool Pickle::stepMemo(std::uint8_t code)
{
    switch (code) {
    case BinPut: put(unsignedNumber(1)); return true;
    case LongBinPut: put(unsignedNumber(4)); return true;
    case Memoize: put(m_memo.size()); return true;
    case BinGet: get(unsignedNumber(1)); return true;
    case LongBinGet: get(unsignedNumber(4)); return true;
    default: return false;
    }
}

bool Pickle::stepObject(std::uint8_t code)
{
    switch (code) {
    case Global: {
        const std::string_view module = takeLine();
        pushSymbol(module, takeLine());
        return true;
    }
    case StackGlobal: {
        const PickleValue* name = pop();
        const PickleValue* module = pop();
        if (!name->is(Kind::Text) || !module->is(Kind::Text)) {
            throw PickleError("a class without a name");
        }
        pushSymbol(module->text, name->text);
        return true;
    }
    case NewObjEx: {
        const PickleValue* named = pop();
        if (!named->is(Kind::Dict) || !named->items.empty()) {
            throw PickleError("a class that is made with named arguments");
        }
        [[fallthrough]];
    }
    case NewObj: case Reduce: {
        PickleValue* arguments = pop();
        call(pop(), arguments);
        return true;
    }
    case BinPersId: persistent(); return true;
    case Build: build(); return true;
    default: return false;
    }
}

std::uint64_t Pickle::unsignedNumber(std::size_t size)
{
    std::uint64_t number = 0;
    const std::string_view bytes = take(size);
    for (std::size_t n = size; n-- > 0;) {
        number = number << 8 | std::uint8_t(bytes[n]);
    }
    return number;
}

std::string_view Pickle::take(std::uint64_t size)
{
    if (size > m_bytes.size() - m_position) {
        throw PickleError("the pickle is cut off");
    }
    const std::string_view bytes = m_bytes.substr(m_position, size);
    m_position += size;
    return bytes;
}

std::string_view Pickle::takeLine()
{
    constexpr std::size_t kLongest = 1000;
    const std::size_t end = m_bytes.substr(m_position, kLongest).find('\n');
    if (end == std::string_view::npos) {
        throw PickleError("a class name without an end");
    }
    const std::string_view line = m_bytes.substr(m_position, end);
    m_position += end + 1;
    return line;
}

/// A new value on top of the stack.
PickleValue* Pickle::make(Kind kind)
{
    if (m_values.size() >= kMostValues) {
        throw PickleError("the pickle has too many values");
    }
    PickleValue& value = m_values.emplace_back();
    value.kind = kind;
    m_stack.push_back(&value);
    return &value;
}

void Pickle::pushText(Kind kind, std::uint64_t size)
{
    const std::string_view text = take(size);
    make(kind)->text = text;
}

/// Two's complement, little endian, any length.
void Pickle::pushLong(std::uint64_t size)
{
    const std::string_view bytes = take(size);
    if (size > 8) {
        make(Kind::Bytes)->text = bytes;
        return;
    }
    std::uint64_t number = size && std::uint8_t(bytes[size - 1]) >= 0x80 ? ~std::uint64_t(0) : 0;
    for (std::size_t n = size; n-- > 0;) {
        number = number << 8 | std::uint8_t(bytes[n]);
    }
    make(Kind::Int)->integer = std::int64_t(number);
}

void Pickle::pushTuple(std::size_t size)
{
    std::vector<PickleValue::Ref> items(size);
    for (std::size_t n = size; n-- > 0;) {
        items[n] = pop();
    }
    make(Kind::Tuple)->items = std::move(items);
}

void Pickle::pushSymbol(std::string_view module, std::string_view name)
{
    PickleValue* symbol = make(Kind::Symbol);
    symbol->text = module;
    symbol->name = name;
}

PickleValue* Pickle::top()
{
    if (m_stack.empty() || m_stack.back()->is(Kind::Mark)) {
        throw PickleError("the pickle takes more than it has");
    }
    return m_stack.back();
}

PickleValue* Pickle::pop()
{
    PickleValue* value = top();
    m_stack.pop_back();
    return value;
}

std::vector<PickleValue::Ref> Pickle::popToMark()
{
    std::size_t begin = m_stack.size();
    while (begin > 0 && !m_stack[begin - 1]->is(Kind::Mark)) {
        --begin;
    }
    if (begin == 0) {
        throw PickleError("the pickle closes what it did not open");
    }
    std::vector<PickleValue::Ref> items(m_stack.begin() + std::ptrdiff_t(begin), m_stack.end());
    m_stack.resize(begin - 1);
    return items;
}

void Pickle::put(std::uint64_t index)
{
    m_memo[index] = top();
}

void Pickle::get(std::uint64_t index)
{
    // A few bytes could otherwise fill the stack: each entry counts as a value.
    const auto found = m_memo.find(index);
    if (found == m_memo.end() || m_stack.size() >= kMostValues) {
        throw PickleError("the pickle refers to what is not there");
    }
    m_stack.push_back(found->second);
}

/// Adds to the container on top. What is added to an opaque record is dropped, as the record itself is inert.
void Pickle::addItems(const std::vector<PickleValue::Ref>& items, bool pairs)
{
    PickleValue* container = top();
    if (pairs && items.size() % 2) {
        throw PickleError("a key without a value");
    }
    const bool fits = pairs ? container->is(Kind::Dict) : container->is(Kind::List) || container->is(Kind::Set);
    if (!fits && !container->is(Kind::Record)) {
        throw PickleError("values are added to what is no container");
    }
    if (fits) {
        append(*container, items);
    }
}

void Pickle::append(PickleValue& value, const std::vector<PickleValue::Ref>& items)
{
    m_itemCount += items.size();
    if (m_itemCount > kMostItems) {
        throw PickleError("the pickle has too many values");
    }
    value.items.insert(value.items.end(), items.begin(), items.end());
}

/// A storage is kept as a tuple; the class of a pickled module, which older files hold with its source text, is the class alone.
void Pickle::persistent()
{
    const PickleValue* id = pop();
    if (!id->is(Kind::Tuple) || id->items.empty() || !id->items[0]->is(Kind::Text)) {
        throw PickleError("a persistent id that is no tuple");
    }
    if (id->items[0]->text == "module" && id->items.size() >= 2 && id->items[1]->is(Kind::Symbol)) {
        pushSymbol(id->items[1]->text, id->items[1]->name);
        return;
    }
    if (id->items[0]->text != "storage") {
        throw PickleError("a persistent id that is no storage");
    }
    append(*make(Kind::Persistent), id->items);
}

void Pickle::call(PickleValue* function, PickleValue* arguments)
{
    if (!function->is(Kind::Symbol) || !arguments->is(Kind::Tuple)) {
        throw PickleError("a call of what is no function");
    }
    const PickleValue* content = arguments->items.size() == 1 ? arguments->items[0] : nullptr;
    const bool emptyOrSequence = arguments->items.empty() || (content && isSequence(*content));
    if (isDictSymbol(*function) && emptyOrSequence) {
        PickleValue* dict = make(Kind::Dict);
        for (std::size_t n = 0; content && n < content->items.size(); ++n) {
            const PickleValue* pair = content->items[n];
            if (!isSequence(*pair) || pair->items.size() != 2) {
                throw PickleError("a dictionary of what are no pairs");
            }
            append(*dict, pair->items);
        }
    } else if ((isSetSymbol(*function) || function->isSymbol("torch", "Size")) && emptyOrSequence) {
        PickleValue* sequence = make(isSetSymbol(*function) ? Kind::Set : Kind::Tuple);
        if (content) {
            append(*sequence, content->items);
        }
    } else {
        PickleValue* record = make(Kind::Record);
        record->symbol = function;
        record->arguments = arguments;
    }
}

/// Attributes of a dictionary (a state dict's _metadata) say nothing about tensors and are dropped.
void Pickle::build()
{
    const PickleValue* state = pop();
    PickleValue* object = top();
    if (object->is(Kind::Record)) {
        object->state = state;
    } else if (!object->is(Kind::Dict) && !object->is(Kind::Set)) {
        throw PickleError("a state for what is no object");
    }
}

} // namespace hf::runtime
