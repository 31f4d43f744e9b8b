import WeightFiles

/// Byte-pair encoding with a mark at the end of each word (Sennrich et al. 2016, Algorithm 1).
struct BytePairEncoder: Sendable {
    static let endOfWord = "</w>"

    let largestID: Int32
    /// Id of each byte within a word and at its end.
    private let withinWord: [Int32]
    private let atEnd: [Int32]
    private let merges: [Pair: Merge]
    private let ids: [String: Int32]

    private struct Pair: Hashable {
        let left: Int32
        let right: Int32
    }

    private struct Merge {
        let rank: Int32
        let id: Int32
    }

    /// - Parameters:
    ///   - vocabulary: id of each token; bytes are spelled in GPT-2's alphabet.
    ///   - merges: pairs of tokens, the first to be merged first.
    ///   - unknown: the token for bytes that the vocabulary lacks.
    ///   - path: what errors name.
    init(
        vocabulary: [String: Int32], merges: [(left: String, right: String)], unknown: String, path: String
    ) throws {
        func id(_ token: String) throws -> Int32 {
            guard let id = vocabulary[token] else {
                throw ModelFilesError.invalid(path: path, reason: "\"\(token)\" is not in the vocabulary")
            }
            return id
        }
        var table: [Pair: Merge] = [:]
        for (rank, merge) in merges.enumerated() {
            let pair = Pair(left: try id(merge.left), right: try id(merge.right))
            table[pair] = Merge(rank: Int32(rank), id: try id(merge.left + merge.right))
        }
        self.merges = table
        withinWord = try Self.alphabet.map { try vocabulary[$0] ?? id(unknown) }
        atEnd = try Self.alphabet.map { try vocabulary[$0 + Self.endOfWord] ?? id(unknown) }
        ids = vocabulary
        largestID = vocabulary.values.max() ?? 0
    }

    func id(of token: String) -> Int32? { ids[token] }

    var count: Int { ids.count }

    /// The tokens of one word.
    func encode(_ word: [UInt8]) -> [Int32] {
        guard let last = word.last else { return [] }
        let symbols = word.dropLast().map { withinWord[Int($0)] } + [atEnd[Int(last)]]
        var chain = SymbolChain(symbols)
        var queue = Heap<Candidate>()
        func consider(_ position: Int, _ queue: inout Heap<Candidate>) {
            guard let merge = merge(at: position, in: chain) else { return }
            queue.push(Candidate(rank: merge.rank, position: position, id: merge.id))
        }
        for position in symbols.indices { consider(position, &queue) }
        while let best = queue.pop() {
            // A neighbour may have been merged away since the candidate was found.
            guard merge(at: best.position, in: chain)?.id == best.id else { continue }
            chain.mergeWithNext(best.position, into: best.id)
            if let previous = chain.previous(best.position) { consider(previous, &queue) }
            consider(best.position, &queue)
        }
        return chain.symbols
    }

    private func merge(at position: Int, in chain: SymbolChain) -> Merge? {
        guard chain.isPresent(position), let next = chain.next(position) else { return nil }
        return merges[Pair(left: chain.id(position), right: chain.id(next))]
    }

    /// GPT-2's printable characters for the 256 bytes: themselves where they print, else U+0100 and on.
    private static let alphabet: [String] = {
        var shifted: UInt32 = 0x100
        return (UInt32(0)..<256).map { byte in
            let prints = (0x21...0x7E).contains(byte) || (0xA1...0xFF).contains(byte) && byte != 0xAD
            defer { if !prints { shifted += 1 } }
            return Unicode.Scalar(prints ? byte : shifted).map { String($0) } ?? ""
        }
    }()
}

/// A possible merge; the lowest rank goes first, then the leftmost.
private struct Candidate: Comparable {
    let rank: Int32
    let position: Int
    let id: Int32

    static func < (a: Candidate, b: Candidate) -> Bool { (a.rank, a.position) < (b.rank, b.position) }
}

/// The symbols of a word as a doubly linked list, so that a merge costs the same wherever it is.
private struct SymbolChain {
    private var ids: [Int32]
    /// One past the symbol's end; at a symbol that was merged away, its own place.
    private var ends: [Int]
    private var starts: [Int]

    init(_ symbols: [Int32]) {
        ids = symbols
        ends = symbols.indices.map { $0 + 1 }
        starts = symbols.indices.map { $0 - 1 }
    }

    func isPresent(_ position: Int) -> Bool { ends[position] > position }
    func id(_ position: Int) -> Int32 { ids[position] }
    func next(_ position: Int) -> Int? { ends[position] < ids.count ? ends[position] : nil }
    func previous(_ position: Int) -> Int? { starts[position] >= 0 ? starts[position] : nil }

    mutating func mergeWithNext(_ position: Int, into id: Int32) {
        let merged = ends[position]
        ids[position] = id
        ends[position] = ends[merged]
        ends[merged] = merged
        if let next = next(position) { starts[next] = position }
    }

    var symbols: [Int32] { ids.indices.filter(isPresent).map { ids[$0] } }
}
