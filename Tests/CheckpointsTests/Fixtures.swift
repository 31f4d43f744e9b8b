import Checkpoints
import Foundation
import XCTest

/// SplitMix64 (Steele, Lea & Flood 2014): a seeded generator so that every failure can be replayed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

enum Fixtures {
    /// One value of every kind, among them what formats like to lose.
    static func everyKind() -> StateTree {
        var tree = StateTree()
        var random = SplitMix(state: 7)
        for type in ElementType.allCases {
            let bytes = (0..<(2 * 3 * type.byteWidth)).map { _ in UInt8.random(in: 0...255, using: &random) }
            tree["arrays/\(type.rawValue)/random"] = .array(
                StateArray(type: type, shape: [2, 3], bytes: bytes))
            tree["arrays/\(type.rawValue)/zero_d"] = .array(
                StateArray(type: type, shape: [], bytes: Array(bytes.prefix(type.byteWidth))))
            tree["arrays/\(type.rawValue)/empty"] = .array(StateArray(type: type, shape: [0, 4], bytes: []))
        }
        let nanBits: [UInt32] = [0x7fc0_0001, 0x7f80_0001, 0xffff_ffff, 0x8000_0000, 1, 0x7f80_0000]
        tree["arrays/nan f32"] = .array(StateArray(nanBits.map { Float(bitPattern: $0) }))
        tree["arrays/extremes"] = .array(StateArray([Int64.min, -1, 0, .max]))
        tree["scalars/nan"] = .real(Double(bitPattern: 0x7ff0_0000_0000_beef))
        tree["scalars/minus zero"] = .real(-0.0)
        tree["scalars/least"] = .integer(.min)
        tree["scalars/yes"] = .flag(true)
        tree["scalars/no"] = .flag(false)
        tree["scalars/empty text"] = .text("")
        tree["scalars/unicode text"] = .text("λ ≥ 0 — 𝕏 😀\n\ttab")
        tree["scalars/long text"] = .text(String(repeating: "configuration ", count: 20_000))
        tree["größe/模型.重み 😀"] = .array(StateArray([Float(1.5)]))
        tree["at the root"] = .integer(1)
        tree[String(repeating: "deep/", count: 200) + "leaf"] = .real(0.5)
        tree["long/" + String(repeating: "n", count: 3_000)] = .array(StateArray([UInt8(9)]))
        tree["long/" + String(repeating: "s", count: 3_000)] = .text("scalar")
        return tree
    }

    /// A small state as a run has it.
    static func runState(step: Int, seed: UInt64 = 1) -> StateTree {
        var random = SplitMix(state: seed &+ UInt64(step))
        var tree = StateTree()
        let weights = (0..<48).map { _ in Float.random(in: -1...1, using: &random) }
        tree["model/blocks.0.weight"] = .array(StateArray(weights, shape: [6, 8]))
        tree["optimizer/blocks.0.weight/first_moment"] = .array(
            StateArray(weights.map { $0 * 0.1 }, shape: [6, 8]))
        tree["duals/multipliers"] = .array(StateArray([0.25, Double(step)]))
        tree["run/step"] = .integer(Int64(step))
        tree["run/kind"] = .text("product")
        return tree
    }
}

/// A run directory of its own for each test.
class RunDirectoryTestCase: XCTestCase {
    private(set) var runDirectory = ""

    var store: CheckpointStore { CheckpointStore(runDirectory: runDirectory) }

    override func setUpWithError() throws {
        runDirectory = NSTemporaryDirectory() + "saddle-checkpoints-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: runDirectory, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(atPath: runDirectory)
    }

    /// Names in the run directory but for the lock, sorted.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: runDirectory).filter { $0 != RunLock.fileName }
            .sorted()
    }

    @discardableResult
    func save(_ step: Int, seed: UInt64 = 1, keepLatest: Int = 100) throws -> SaveReport {
        let lock = try RunLock(runDirectory: runDirectory)
        defer { lock.release() }
        return try store.save(
            RunDirectoryTestCase.content(step, seed: seed), holding: lock,
            keeping: RotationRule(keepLatest: keepLatest))
    }

    static func content(_ step: Int, seed: UInt64 = 1) -> CheckpointContent {
        CheckpointContent(
            step: step, state: Fixtures.runState(step: step, seed: seed),
            configuration: "kind: product\nseed: \(seed)\n",
            extraFiles: ["pytorch_lora_weights.safetensors": Data((0..<200).map { UInt8($0) })],
            saddleVersion: "1.2.3", provenance: ["base model": "sha256:0123"])
    }

    func path(_ step: Int, _ file: String) -> String { store.directory(ofStep: step) + "/" + file }

    func overwrite(_ path: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Damages a checkpoint by one bit of its state.
    func damage(_ step: Int) throws {
        let file = path(step, "state.h5")
        var damaged = try bytes(file)
        damaged[damaged.count / 2] ^= 1
        try overwrite(file, damaged)
    }
}
