/// An error that every rank throws alike, at the same place: the job can end cleanly, without an abort.
public protocol AgreedError: Error, CustomStringConvertible {
    /// The rank that should print it for all.
    var reportingRank: Int { get }
}

/// The error of one rank, known to all: what `failTogether` throws.
public struct RankError: AgreedError, Equatable {
    /// The first rank that failed.
    public let rank: Int
    public let size: Int
    /// That rank's error, in words.
    public let message: String
    /// The exit code that rank's error asks for.
    public let exitCode: Int32
    /// All ranks that failed.
    public let failedRanks: [Int]

    public var reportingRank: Int { rank }

    public var description: String {
        let others = failedRanks.filter { $0 != rank }.map(String.init).joined(separator: ", ")
        return rankPrefix(rank, of: size) + message + (others.isEmpty ? "" : " (also failed: rank \(others))")
    }
}

extension Communicator {
    /// Runs `body` on every rank; if it throws on any, all ranks throw the same `RankError`.
    ///
    /// For work that may fail on one rank only, such as reading a file; `body` does not communicate.
    /// - Parameter exitCode: the exit code for an error of `body`, carried to all ranks.
    public func failTogether<Result>(
        exitCode: (any Error) -> Int32 = { _ in internalFailure }, _ body: () throws -> Result
    ) throws -> Result {
        var result: Result?
        var failure: (message: String, code: Int32)?
        do {
            result = try body()
        } catch let error as any AgreedError {
            throw error
        } catch let error as CommunicationError {
            throw error
        } catch {
            failure = ("\(error)", abortCode(exitCode(error)))
        }
        let codes = try allGather([failure?.code ?? 0])
        let failedRanks = codes.indices.filter { codes[$0] != 0 }
        if let result, failedRanks.isEmpty { return result }
        let first = failedRanks[0]
        throw RankError(
            rank: first, size: size, message: try broadcast(failure?.message ?? "", root: first),
            exitCode: codes[first], failedRanks: failedRanks)
    }
}
