/// Just enough of Python's pickle machine for the state dictionaries of PyTorch, and nothing that runs code.
///
/// Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py. Containers live in tables and refer to
/// each other by number, so that neither depth nor cycles of a hostile file can exhaust the stack.
struct PickleReader {
    enum Value {
        case none
        case mark
        case integer(Int)
        case number(Double)
        case text(String)
        case sequence(Int)
        case dictionary(Int)
        case global(String)
        case storage(Storage)
        case tensor(TorchTensor)
    }

    /// The persistent id of a member of the archive.
    struct Storage {
        let type: String
        let key: String
    }

    private(set) var sequences: [[Value]] = []
    private(set) var dictionaries: [[(key: Value, value: Value)]] = []
    private let reader: ByteReader
    private var position: Int
    private let end: Int
    private var stack: [Value] = []
    private var memo: [Int: Value] = [:]

    /// What a state dictionary may call: constructors of tensors and of dictionaries.
    private static let rebuilders: Set<String> = [
        "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter", "collections.OrderedDict",
    ]

    init(_ reader: ByteReader, range: Range<Int>) {
        self.reader = reader
        position = range.lowerBound
        end = range.upperBound
    }

    /// Runs the program and returns what it leaves.
    mutating func run() throws -> Value {
        while position < end {
            let opcode = UInt8(try take(1))
            if opcode == UInt8(ascii: ".") { return try pop() }
            try step(opcode)
        }
        throw problem("has no end")
    }

    private mutating func step(_ opcode: UInt8) throws {
        switch opcode {
        case 0x80: _ = try take(1)
        case 0x95: _ = try take(8)
        case UInt8(ascii: "("): stack.append(.mark)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88, 0x89: stack.append(.integer(opcode == 0x88 ? 1 : 0))
        case UInt8(ascii: "K"): stack.append(.integer(try take(1)))
        case UInt8(ascii: "M"): stack.append(.integer(try take(2)))
        case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try take(4)))))
        case 0x8A: stack.append(.integer(try long(width: take(1))))
        case UInt8(ascii: "G"): stack.append(.number(try double()))
        case UInt8(ascii: "X"): stack.append(.text(try text(count: take(4))))
        case 0x8C: stack.append(.text(try text(count: take(1))))
        case UInt8(ascii: "c"): stack.append(.global(try line() + "." + line()))
        case 0x93: try stackGlobal()
        case UInt8(ascii: "Q"): try persistentID()
        case UInt8(ascii: "R"): try reduce()
        case UInt8(ascii: "b"): _ = try pop()
        default: try containerStep(opcode)
        }
    }

    private mutating func containerStep(_ opcode: UInt8) throws {
        switch opcode {
        case UInt8(ascii: "}"): appendDictionary()
        case UInt8(ascii: "]"), UInt8(ascii: ")"): append([])
        case UInt8(ascii: "t"): append(try popToMark())
        case 0x85, 0x86, 0x87: append(try pop(count: Int(opcode) - 0x84))
        case UInt8(ascii: "q"): memo[try take(1)] = try top()
        case UInt8(ascii: "r"): memo[try take(4)] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): try recall(take(1))
        case UInt8(ascii: "j"): try recall(take(4))
        case UInt8(ascii: "s"): try setItems(pop(count: 2))
        case UInt8(ascii: "u"): try setItems(popToMark())
        case UInt8(ascii: "a"): try extend(pop(count: 1))
        case UInt8(ascii: "e"): try extend(popToMark())
        default:
            throw problem("uses opcode 0x\(String(opcode, radix: 16)), which a state dictionary needs not")
        }
    }
}

// MARK: Construction

extension PickleReader {
    private mutating func append(_ values: [Value]) {
        sequences.append(values)
        stack.append(.sequence(sequences.count - 1))
    }

    private mutating func appendDictionary() {
        dictionaries.append([])
        stack.append(.dictionary(dictionaries.count - 1))
    }

    private mutating func setItems(_ items: [Value]) throws {
        guard case .dictionary(let index) = try top(), items.count % 2 == 0 else {
            throw problem("sets items of something else than a dictionary")
        }
        for place in stride(from: 0, to: items.count, by: 2) {
            dictionaries[index].append((items[place], items[place + 1]))
        }
    }

    private mutating func extend(_ items: [Value]) throws {
        guard case .sequence(let index) = try top() else {
            throw problem("appends to something else than a list")
        }
        sequences[index] += items
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw problem("recalls what it has not stored") }
        stack.append(value)
    }

    private mutating func stackGlobal() throws {
        guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
            throw problem("names a global by something else than texts")
        }
        stack.append(.global(module + "." + name))
    }

    /// ("storage", type, key, device, count): a member of the archive.
    private mutating func persistentID() throws {
        guard case .sequence(let index) = try pop(), sequences[index].count >= 3,
            case .text("storage") = sequences[index][0], case .global(let type) = sequences[index][1],
            case .text(let key) = sequences[index][2]
        else { throw problem("has a persistent id that is no storage") }
        stack.append(.storage(Storage(type: type, key: key)))
    }

    private mutating func reduce() throws {
        guard case .sequence(let index) = try pop(), case .global(let name) = try pop() else {
            throw problem("calls something else than a global")
        }
        guard Self.rebuilders.contains(name) else {
            throw ModelFilesError.unsupported(
                path: reader.path, what: "the file wants to call \(name), which a state dictionary needs not",
                advice: "Save only the tensors: torch.save(model.state_dict(), …), or use safetensors.")
        }
        let arguments = sequences[index]
        switch name {
        case "collections.OrderedDict": appendDictionary()
        case "torch._utils._rebuild_parameter": stack.append(arguments.first ?? .none)
        default: stack.append(.tensor(try tensor(arguments)))
        }
    }

    /// (storage, offset, size, stride, …).
    private func tensor(_ arguments: [Value]) throws -> TorchTensor {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1], let shape = integers(arguments[2]),
            let strides = integers(arguments[3])
        else { throw problem("describes a tensor in a way unknown here") }
        return TorchTensor(storage: storage, offset: offset, shape: shape, strides: strides)
    }

    private func integers(_ value: Value) -> [Int]? {
        guard case .sequence(let index) = value else { return nil }
        let integers = sequences[index].compactMap { value -> Int? in
            if case .integer(let integer) = value { integer } else { nil }
        }
        return integers.count == sequences[index].count ? integers : nil
    }
}

// MARK: Stack and bytes

extension PickleReader {
    private func problem(_ what: String) -> ModelFilesError {
        reader.invalid("the pickle in it \(what) (byte \(position) of the file)")
    }

    private func top() throws -> Value {
        guard let value = stack.last else { throw problem("takes from an empty stack") }
        return value
    }

    private mutating func pop() throws -> Value {
        guard let value = stack.popLast() else { throw problem("takes from an empty stack") }
        return value
    }

    private mutating func pop(count: Int) throws -> [Value] {
        guard stack.count >= count else { throw problem("takes from an empty stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws -> [Value] {
        let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
        guard let mark else { throw problem("has no mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[(mark + 1)...])
    }

    private mutating func take(_ width: Int) throws -> Int {
        let value = try reader.integer(width, at: position)
        position += width
        return value
    }

    private mutating func text(count: Int) throws -> String {
        let text = try reader.text(position, count: count)
        position += count
        return text
    }

    private mutating func line() throws -> String {
        let rest = try reader.slice(position, count: end - position)
        guard let newline = rest.firstIndex(of: 0x0A) else { throw problem("has a line without end") }
        defer { position += 1 }
        return try text(count: newline - position)
    }

    /// A signed little-endian integer.
    private mutating func long(width: Int) throws -> Int {
        guard width <= 8 else { throw problem("has an integer of \(width) bytes") }
        let bytes = try reader.slice(position, count: width)
        position += width
        let start: UInt64 = bytes.last.map { $0 >= 0x80 ? .max : 0 } ?? 0
        return Int(truncatingIfNeeded: bytes.reversed().reduce(start) { $0 << 8 | UInt64($1) })
    }

    private mutating func double() throws -> Double {
        let bytes = try reader.slice(position, count: 8)
        position += 8
        return Double(bitPattern: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
