// Started by DistributedTests, under mpirun: a test process must not start MPI itself.
//
//     mpi-check battery                   all checks; rank 0 prints PASS or FAIL for each
//     mpi-check bits                      rank 0 prints the bits of an exact sum
//     mpi-check throw RANK CODE           one rank throws while the others wait in a barrier
//     mpi-check together RANK CODE        one rank fails inside failTogether
//     mpi-check nan RANK                  one rank contributes a NaN to an exact sum
//     mpi-check truncate                  rank 0 broadcasts more than the others expect
//     mpi-check kill RANK                 one rank dies of SIGKILL while the others wait
//     mpi-check stall RANK SECONDS        one rank is late for a barrier
//     mpi-check lifetime                  MPI started twice, ended twice, used after its end
import Distributed
import DistributedBattery
import Foundation

struct Failure: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32
}

/// Writes a line at once, which `print` into a pipe does not.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

func argument(_ position: Int) throws -> Int {
    guard CommandLine.arguments.count > position, let value = Int(CommandLine.arguments[position]) else {
        throw Failure(description: "mpi-check: argument \(position) is no number", exitCode: 64)
    }
    return value
}

/// Runs every check on all ranks; a check that fails anywhere fails.
func battery(_ world: any Communicator) throws -> Int32 {
    var communicators: [(String, any Communicator)] = [("", world)]
    let unwatched = (world as? WatchedCommunicator)?.base ?? world
    if let world = unwatched as? MPICommunicator {
        communicators.append((", in messages of 3 elements", world.chunked(by: 3)))
    }
    var code: Int32 = 0
    for (suffix, communicator) in communicators {
        // A million elements by threes says nothing new and takes a million calls.
        for check in Check.battery where suffix.isEmpty || !check.name.contains("long array") {
            let passed = try world.allReduce(Int64(pass(check, communicator) ? 1 : 0), .minimum) == 1
            if world.rank == 0 { say("\(passed ? "PASS" : "FAIL") \(check.name)\(suffix)") }
            if !passed { code = 1 }
        }
    }
    return code
}

/// Reports a failure at once: the other ranks may wait for this one.
func pass(_ check: Check, _ communicator: any Communicator) -> Bool {
    do {
        try check.run(communicator)
        return true
    } catch {
        writeToStandardError(rankPrefix(communicator.rank, of: communicator.size) + "\(error)")
        return false
    }
}

func nanOnOneRank(_ world: any Communicator, rank: Int) throws -> Int32 {
    var sum = ExactSum(floats: [("gradient", 3)])
    sum.add([1, world.rank == rank ? Float.nan : 2, 3], to: "gradient")
    _ = try sum.reduce(over: world).get()
    return 0
}

func lifetime(_ world: any Communicator) throws -> Int32 {
    var notes: [String] = []
    do { _ = try MPICommunicator.start(environment: [:]) } catch { notes.append("\(error)") }
    try MPICommunicator.finish()
    try MPICommunicator.finish()
    do { try world.barrier() } catch { notes.append("\(error)") }
    do { _ = try MPICommunicator.start(environment: [:]) } catch { notes.append("\(error)") }
    if world.rank == 0 { say(notes.joined(separator: "\n")) }
    return 0
}

func run(_ world: any Communicator) throws -> Int32 {
    switch CommandLine.arguments.dropFirst().first {
    case "battery": return try battery(world)
    case "bits":
        let own = (0..<29).filter { $0 * 7 % world.size == world.rank }
        let bits = try MicroBatches(count: 29).sum(own, over: world).bits
        if world.rank == 0 { say(bits.map { String($0, radix: 16) }.joined(separator: " ")) }
    case "throw":
        if world.rank == (try argument(2)) {
            throw Failure(description: "disk on fire", exitCode: Int32(try argument(3)))
        }
        try world.barrier()
    case "together":
        let failing = try argument(2)
        let code = Int32(try argument(3))
        try world.failTogether(exitCode: { _ in code }) {
            if world.rank == failing { throw Failure(description: "no such file", exitCode: code) }
        }
    case "nan": return try nanOnOneRank(world, rank: try argument(2))
    case "truncate":
        _ = try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { bytes in
            let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<(world.rank == 0 ? 64 : 8)])
            part.initializeMemory(as: UInt8.self, repeating: 0)
            try world.broadcast(part, root: 0)
            try world.barrier()
        }
    case "kill":
        if world.rank == (try argument(2)) { kill(getpid(), SIGKILL) }
        try world.barrier()
    case "stall":
        _ = try world.allReduce(Int64(1), .sum)
        if world.rank == (try argument(2)) { sleep(UInt32(try argument(3))) }
        try world.barrier()
    case "lifetime": return try lifetime(world)
    default: throw Failure(description: "mpi-check: no such check; see its source", exitCode: 64)
    }
    return 0
}

exit(
    World.run(
        environment: ProcessInfo.processInfo.environment,
        exitCode: { ($0 as? Failure)?.exitCode ?? internalFailure }, run))
