import Checkpoints
import Foundation
import XCTest

final class HDF5ImageTests: XCTestCase {
    func testEveryKindOfValueKeepsItsBits() throws {
        let tree = Fixtures.everyKind()
        let decoded = try HDF5Image.decode(HDF5Image.encode(tree))
        XCTAssertEqual(decoded.paths, tree.paths)
        for path in tree.paths { XCTAssertEqual(decoded[path], tree[path], path) }
    }

    func testEmptyTree() throws {
        XCTAssertEqual(try HDF5Image.decode(HDF5Image.encode(StateTree())), StateTree())
    }

    func testGroupsBeyondTheHeaderCapacity() throws {
        var tree = StateTree()
        for index in 0..<1_100 {
            tree["arrays/\(index)"] = .array(StateArray([Float(index)]))
            tree["scalars/\(index)"] = .real(Double(index))
        }
        XCTAssertEqual(try HDF5Image.decode(HDF5Image.encode(tree)), tree)
    }

    func testEqualTreesGiveEqualBytes() throws {
        let tree = Fixtures.everyKind()
        var rebuilt = StateTree()
        for path in tree.paths.reversed() { rebuilt[path] = tree[path] }
        XCTAssertEqual(try HDF5Image.encode(tree), try HDF5Image.encode(rebuilt))
    }

    func testImagesFromManyThreads() throws {
        let tree = Fixtures.runState(step: 5)
        let image = try HDF5Image.encode(tree)
        DispatchQueue.concurrentPerform(iterations: 16) { _ in
            XCTAssertEqual(try? HDF5Image.decode(image), tree)
            XCTAssertEqual(try? HDF5Image.encode(tree), image)
        }
    }

    func testTextWithNULIsRefusedByName() {
        var tree = StateTree()
        tree["run/name"] = .text("a\0b")
        XCTAssertThrowsError(try HDF5Image.encode(tree)) {
            XCTAssertEqual("\($0)", "HDF5: write text 'run/name': it contains a NUL character")
        }
    }

    func testTooManyDimensionsAreRefusedByName() {
        var tree = StateTree()
        tree["deep"] = .array(StateArray([Float(1)], shape: [Int](repeating: 1, count: 33)))
        XCTAssertThrowsError(try HDF5Image.encode(tree)) {
            XCTAssertEqual(($0 as? HDF5Error)?.path, "deep")
        }
    }

    func testForeignBytesAreRefused() {
        for bytes in [[], [0], Array("not an HDF5 file".utf8), [UInt8](repeating: 0, count: 4_096)] {
            XCTAssertThrowsError(try HDF5Image.decode(bytes)) { XCTAssertTrue($0 is HDF5Error) }
        }
    }

    /// libhdf5 is asked directly here, without the digest that protects it in a checkpoint.
    func testDamagedImagesNeverCrashTheReader() throws {
        let tree = Fixtures.runState(step: 3)
        let image = try HDF5Image.encode(tree)
        for length in stride(from: 0, to: image.count, by: 37) {
            let cut = try? HDF5Image.decode(Array(image.prefix(length)))
            XCTAssertNil(cut, "cut at \(length)")
        }
        var random = SplitMix(state: 11)
        var refused = 0
        for _ in 0..<1_000 {
            var damaged = image
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                damaged[Int.random(in: 0..<image.count, using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
            }
            if (try? HDF5Image.decode(damaged)) == nil { refused += 1 }
        }
        XCTAssertGreaterThan(refused, 300)
    }
}
