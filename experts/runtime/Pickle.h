#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hf::runtime {

/// What a pickle describes, without anything being executed: a name of a class or function is an inert Symbol, and what Python would
/// call becomes a Record of symbol, arguments and state. Only plain containers (dict, OrderedDict, set, torch.Size) are interpreted.
/// Source: experts.md 6.4; Python's pickletools for the operation codes of protocols 2 to 4.
struct PickleValue {
    enum class Kind { None, Bool, Int, Float, Text, Bytes, Tuple, List, Dict, Set, Symbol, Persistent, Record, Mark };
    using Ref = const PickleValue*;

    Kind kind = Kind::None;
    std::int64_t integer = 0;           ///< Bool, Int; integers beyond 64 bits are kept as Bytes.
    double real = 0;                    ///< Float.
    std::string_view text;              ///< Text, Bytes: into the parsed bytes. Symbol: the module.
    std::string_view name;              ///< Symbol: the name in the module.
    std::vector<Ref> items;             ///< Tuple, List, Set; Persistent: its tuple's items; Dict: key, value, key, value ...
    Ref symbol = nullptr;               ///< Record: what would be called or made.
    Ref arguments = nullptr;            ///< Record: a Tuple.
    Ref state = nullptr;                ///< Record: what BUILD would hand over, or null.

    bool is(Kind wanted) const { return kind == wanted; }
    /// A Symbol of this module and name.
    bool isSymbol(std::string_view module, std::string_view wanted) const { return kind == Kind::Symbol && text == module && name == wanted; }
    /// The last value of a text key of a Dict; null when there is none.
    Ref find(std::string_view key) const;
};

/// Why a pickle was refused; what() is a clause for a message about the file.
class PickleError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One pickle, or several that stand one after the other; owns the values, which point into `bytes`.
/// Values may be shared and may form cycles: whoever walks them bounds depth and count.
class Pickle {
public:
    /// @param bytes  must outlive the values.
    explicit Pickle(std::string_view bytes) : m_bytes(bytes) {}
    /// The value of the pickle that begins where the last one ended. @throws PickleError.
    PickleValue::Ref next();
    /// Bytes that were read so far.
    std::size_t position() const { return m_position; }
    const std::deque<PickleValue>& values() const { return m_values; }

private:
    using Kind = PickleValue::Kind;
    bool step();
    bool stepNumber(std::uint8_t code);
    bool stepText(std::uint8_t code);
    bool stepContainer(std::uint8_t code);
    bool stepMemo(std::uint8_t code);
    bool stepObject(std::uint8_t code);

    std::uint64_t unsignedNumber(std::size_t size);
    std::string_view take(std::uint64_t size);
    std::string_view takeLine();
    PickleValue* make(Kind kind);
    void pushText(Kind kind, std::uint64_t size);
    void pushLong(std::uint64_t size);
    void pushTuple(std::size_t size);
    void pushSymbol(std::string_view module, std::string_view name);
    PickleValue* pop();
    PickleValue* top();
    std::vector<PickleValue::Ref> popToMark();
    void put(std::uint64_t index);
    void get(std::uint64_t index);
    void addItems(const std::vector<PickleValue::Ref>& items, bool pairs);
    void append(PickleValue& value, const std::vector<PickleValue::Ref>& items);
    void persistent();
    void call(PickleValue* function, PickleValue* arguments);
    void build();

    std::string_view m_bytes;
    std::size_t m_position = 0;
    std::deque<PickleValue> m_values;
    std::size_t m_itemCount = 0;    ///< In all containers: copies of long ones would grow without bound.
    std::vector<PickleValue*> m_stack;
    std::unordered_map<std::uint64_t, PickleValue*> m_memo;
};

} // namespace hf::runtime
