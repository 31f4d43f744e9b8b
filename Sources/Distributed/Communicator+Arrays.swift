// The collectives on arrays and single values.
extension Communicator {
    /// Replaces values[i] by ⊕_r values_r[i] on every rank.
    public func allReduce<Element: Reducible>(_ values: inout [Element], _ reduction: Reduction) throws {
        try values.withUnsafeMutableBufferPointer { try allReduce($0, reduction) }
    }

    /// ⊕_r value_r.
    public func allReduce<Element: Reducible>(_ value: Element, _ reduction: Reduction) throws -> Element {
        var value = value
        try withUnsafeMutablePointer(to: &value) {
            try allReduce(UnsafeMutableBufferPointer(start: $0, count: 1), reduction)
        }
        return value
    }

    /// The array of rank `root`, whatever the length of the others' arrays.
    public func broadcast<Element: BitwiseCopyable>(_ values: [Element], root: Int) throws -> [Element] {
        var count = Int64(values.count)
        try withUnsafeMutableBytes(of: &count) { try broadcast($0, root: root) }
        var values = values
        if rank != root { values = uninitialized(count: Int(count)) { _ in } }
        try values.withUnsafeMutableBytes { try broadcast($0, root: root) }
        return values
    }

    /// The text of rank `root`.
    public func broadcast(_ text: String, root: Int) throws -> String {
        String(decoding: try broadcast(Array(text.utf8), root: root), as: UTF8.self)
    }

    /// The arrays of all ranks, which have equal lengths, one after another: `[size × values.count]`.
    public func allGather<Element: BitwiseCopyable>(_ values: [Element]) throws -> [Element] {
        let byteCounts = [Int](repeating: values.count * MemoryLayout<Element>.stride, count: size)
        return try uninitialized(count: values.count * size) { all in
            try values.withUnsafeBytes { try allGather($0, into: all, byteCounts: byteCounts) }
        }
    }

    /// The arrays of all ranks, of any lengths; element r is that of rank r.
    public func allGatherEach<Element: BitwiseCopyable>(_ values: [Element]) throws -> [[Element]] {
        let counts = try allGather([values.count])
        let byteCounts = counts.map { $0 * MemoryLayout<Element>.stride }
        let all: [Element] = try uninitialized(count: counts.reduce(0, +)) { all in
            try values.withUnsafeBytes { try allGather($0, into: all, byteCounts: byteCounts) }
        }
        return counts.consecutiveRanges.map { Array(all[$0]) }
    }

    /// On rank `root` the arrays of all ranks, of any lengths; nil elsewhere.
    public func gatherEach<Element: BitwiseCopyable>(_ values: [Element], root: Int) throws -> [[Element]]? {
        let counts = try allGather([values.count])
        let byteCounts = counts.map { $0 * MemoryLayout<Element>.stride }
        let all: [Element] = try uninitialized(count: rank == root ? counts.reduce(0, +) : 0) { all in
            try values.withUnsafeBytes { try gather($0, into: all, byteCounts: byteCounts, root: root) }
        }
        return rank == root ? counts.consecutiveRanges.map { Array(all[$0]) } : nil
    }

    private func uninitialized<Element: BitwiseCopyable>(
        count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> [Element] {
        try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            try fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
            initialized = count
        }
    }
}

// What every implementation asks of its arguments.
extension Communicator {
    func requireReducible<Element: Reducible>(_ type: Element.Type, _ reduction: Reduction) {
        let isInteger = Element.kind == .int64 || Element.kind == .uint8
        precondition(
            isInteger || reduction != .bitwiseOr,
            "allReduce: bitwiseOr of \(Element.kind), expected int64 or uint8")
    }

    func requireColor(_ color: Int) {
        precondition(0...Int(Int32.max) ~= color, "split: color \(color), expected 0 ... \(Int32.max)")
    }

    func requireRoot(_ root: Int, _ call: String) {
        precondition(0..<size ~= root, "\(call): root \(root), expected one of 0 ..< \(size)")
    }

    func requireCounts(_ byteCounts: [Int], own: Int, all: Int, _ call: String) {
        precondition(byteCounts.count == size, "\(call): \(byteCounts.count) counts for \(size) ranks")
        precondition(byteCounts[rank] == own, "\(call): \(own) own bytes, expected \(byteCounts[rank])")
        let total = byteCounts.reduce(0, +)
        precondition(all == total, "\(call): room for \(all) bytes, expected \(total)")
    }
}

extension [Int] {
    /// The ranges of these lengths that follow one another from 0.
    var consecutiveRanges: [Range<Int>] {
        var end = 0
        return map { count in
            end += count
            return end - count..<end
        }
    }
}
