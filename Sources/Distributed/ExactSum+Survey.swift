/// The first all-reduce of an exact sum: how large, how many, and whose numbers are not finite.
struct Survey {
    /// max |x| of each tensor over all ranks; infinite if an element is NaN or infinite.
    let magnitudes: [Double]
    /// Terms of all ranks together; counts the tensor with most terms on each rank.
    let terms: Int
    /// Per rank, the first tensor with a number that is not finite.
    private let firstNonFinite: [Int?]

    /// One all-reduce(max) of magnitudes, then of two slots per rank that the others leave at 0: its terms,
    /// and 1 + its first tensor that is not finite. (NaN never enters: its magnitude is infinite.)
    init(magnitudes own: [Double], terms: Int, over communicator: any Communicator) throws {
        let size = communicator.size
        var survey = own + [Double](repeating: 0, count: 2 * size)
        survey[own.count + communicator.rank] = Double(terms)
        survey[own.count + size + communicator.rank] =
            own.firstIndex { !$0.isFinite }.map { Double($0 + 1) } ?? 0
        try communicator.allReduce(&survey, .maximum)
        magnitudes = Array(survey[..<own.count])
        self.terms = survey[own.count..<own.count + size].reduce(0) { $0 + Int($1) }
        firstNonFinite = survey[(own.count + size)...].map { $0 > 0 ? Int($0) - 1 : nil }
    }

    /// The tensors and ranks whose numbers are not finite; nil if all are.
    func nonFinite(names: [String]) -> NonFiniteError? {
        let tensors = zip(names, magnitudes).filter { !$0.1.isFinite }.map(\.0)
        guard !tensors.isEmpty else { return nil }
        let sources = firstNonFinite.enumerated().compactMap { rank, tensor in
            tensor.map { NonFiniteError.Source(rank: rank, tensor: names[$0]) }
        }
        return NonFiniteError(tensors: tensors, sources: sources)
    }
}

/// NaN or infinity in a step, found alike on all ranks.
public struct NonFiniteError: AgreedError, Equatable {
    /// A rank that contributed such a number, and the first tensor in which it did.
    public struct Source: Equatable, Sendable {
        public let rank: Int
        public let tensor: String
    }

    /// All tensors concerned.
    public let tensors: [String]
    /// The ranks they came from; none where finite terms add up to more than their type holds.
    public let sources: [Source]

    public var reportingRank: Int { sources.first?.rank ?? 0 }

    public var description: String {
        let all = tensors.prefix(8).joined(separator: ", ") + (tensors.count > 8 ? ", …" : "")
        guard !sources.isEmpty else { return "the sum of \(all) exceeds the range of its type" }
        let ranks = sources.map { "rank \($0.rank) (first in \($0.tensor))" }.joined(separator: ", ")
        return "NaN or infinity from \(ranks); in \(tensors.count) of the summed tensors: \(all)"
    }
}
