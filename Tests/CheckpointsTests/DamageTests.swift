import Checkpoints
import Foundation
import XCTest

/// Damage to any file of the newest checkpoint leads to the one before it, never to a crash or wrong data.
final class DamageTests: RunDirectoryTestCase {
    private let files = ["config.yaml", "manifest.json", "pytorch_lora_weights.safetensors", "state.h5"]

    override func setUpWithError() throws {
        try super.setUpWithError()
        for step in 1...2 { try save(step) }
    }

    private func assertFallsBack(_ context: String) throws {
        let (checkpoint, refused) = try store.latestWhole()
        XCTAssertEqual(checkpoint?.state, Fixtures.runState(step: 1), context)
        XCTAssertEqual(refused.map(\.directory), [store.directory(ofStep: 2)], context)
        XCTAssertFalse(refused.first?.problems.isEmpty ?? true, context)
    }

    func testTruncations() throws {
        for file in files {
            let whole = try bytes(path(2, file))
            for length in Set(
                stride(from: 0, to: whole.count, by: max(1, whole.count / 64)) + [whole.count - 1])
            {
                try overwrite(path(2, file), Array(whole.prefix(length)))
                try assertFallsBack("\(file) cut at \(length)")
            }
            try overwrite(path(2, file), whole + [0])
            try assertFallsBack("\(file) grown")
            try overwrite(path(2, file), whole)
        }
        XCTAssertEqual(try store.latestWhole().checkpoint?.step, 2)
    }

    func testBitFlips() throws {
        var random = SplitMix(state: 2)
        for file in files {
            let whole = try bytes(path(2, file))
            for _ in 0..<150 {
                let position = Int.random(in: 0..<whole.count, using: &random)
                let bit = UInt8.random(in: 0..<8, using: &random)
                var damaged = whole
                damaged[position] ^= 1 << bit
                try overwrite(path(2, file), damaged)
                try assertFallsBack("\(file), byte \(position), bit \(bit)")
            }
            try overwrite(path(2, file), whole)
        }
        XCTAssertEqual(try store.latestWhole().checkpoint?.step, 2)
    }

    func testOtherThingsInPlaceOfFiles() throws {
        for file in files {
            let place = path(2, file)
            let whole = try bytes(place)
            try FileManager.default.removeItem(atPath: place)
            try assertFallsBack("\(file) missing")
            mkfifo(place, 0o600)
            try assertFallsBack("\(file) a pipe")
            try FileManager.default.removeItem(atPath: place)
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            try assertFallsBack("\(file) a directory")
            try FileManager.default.removeItem(atPath: place)
            symlink("/dev/zero", place)
            try assertFallsBack("\(file) an endless device")
            try FileManager.default.removeItem(atPath: place)
            try overwrite(place, whole)
        }
        let directory = store.directory(ofStep: 2)
        try FileManager.default.moveItem(atPath: directory, toPath: directory + ".away")
        try overwrite(directory, [1])
        try assertFallsBack("a file in place of the directory")
    }

    /// The value digests find what a file digest cannot: a state file and manifest that are whole, but of
    /// different saves.
    func testStateOfAnotherSaveUnderAGoodFileDigest() throws {
        let other = try HDF5Image.encode(Fixtures.runState(step: 2, seed: 99))
        let manifest = try CheckpointManifest.unsealed(bytes(path(2, "manifest.json")))
        let files = manifest.files.map {
            $0.name == "state.h5"
                ? CheckpointManifest.File(
                    name: $0.name, bytes: other.count, sha256: SHA256Digest.hexadecimal(of: other))
                : $0
        }
        try overwrite(path(2, "state.h5"), other)
        try overwrite(path(2, "manifest.json"), manifest.replacing(files: files).sealedText())
        XCTAssertEqual(
            try CheckpointStore.verify(store.directory(ofStep: 2)).problems,
            [
                "model/blocks.0.weight", "optimizer/blocks.0.weight/first_moment",
            ].map { "value '\($0)' does not match its digest" })
        try assertFallsBack("another state")
    }
}
