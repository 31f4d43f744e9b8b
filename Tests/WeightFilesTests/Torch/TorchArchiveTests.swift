import Foundation
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// State dictionaries of PyTorch (`Fixtures/make_archives.py`), and what is refused in their place.
final class TorchArchiveTests: XCTestCase {
    private static let trials = 2000

    /// 0, 1, 2, …, as the generator makes it.
    private func ramp(_ shape: Shape, _ dtype: DType = .float32) -> Tensor {
        dtype == .int32
            ? Tensor(indices: (0..<shape.elementCount).map(Int32.init), shape: shape)
            : Tensor((0..<shape.elementCount).map(Double.init), shape: shape).cast(to: dtype)
    }

    func testReadsStateDictionaries() throws {
        let tensors = try TorchArchive(path: fixture("state.pth").path).tensors
        let expected = [
            "layers.0.weight": ramp([2, 3]), "layers.0.bias": ramp([2]), "half": ramp([3], .float16),
            "brain": ramp([3], .bfloat16), "double": ramp([2, 2], .float64), "index": ramp([3], .int32),
            "scalar": Tensor([Float(2.5)], shape: []), "empty": Tensor([Float](), shape: [0, 7]),
            "row": Tensor([Float(6), 7, 8], shape: [3]),
            "transposed": Tensor([Float(0), 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11], shape: [3, 4]),
        ]
        XCTAssertEqual(Set(tensors.keys), Set(expected.keys))
        for (name, tensor) in expected { assertIdentical(try XCTUnwrap(tensors[name]), tensor, name) }
    }

    func testFlattensNestedDictionaries() throws {
        let tensors = try TorchArchive(path: fixture("nested.pt").path).tensors
        XCTAssertEqual(Array(tensors.keys), ["state_dict.weight"])
    }

    func testWeightsOfAModel() throws {
        let archive = try TorchArchive(path: fixture("state.pth").path)
        let weights = try ComponentWeights(archive: archive)
        XCTAssertEqual(weights.names, archive.tensors.keys.sorted())
        XCTAssertEqual(weights.shape(of: "layers.0.weight"), [2, 3])
        XCTAssertThrowsError(try weights.load([("index", [3]), ("row", [4])], as: .float32)) { error in
            XCTAssertTrue(
                "\(error)".contains("1 of another shape: row (expected [4], found [3])"), "\(error)")
            XCTAssertTrue("\(error)".contains("1 of another type: index (i32)"), "\(error)")
        }
        let nested = try TorchArchive(path: fixture("nested.pt").path)
        let only = try XCTUnwrap(nested.tensors["state_dict.weight"])
        let loaded = try ComponentWeights(archive: nested, naming: .openCLIP).load(
            [("weight", only.shape)], as: .float16)
        assertIdentical(try XCTUnwrap(loaded["weight"]), only.cast(to: .float16))
    }

    func testRunsNothing() throws {
        for (name, message) in [
            ("module.pth", "which a state dictionary needs not"), ("legacy.pth", "not a zip archive"),
        ] {
            XCTAssertThrowsError(try TorchArchive(path: fixture(name).path)) { error in
                XCTAssertTrue("\(error)".contains(message), "\(error)")
            }
        }
    }

    /// Damaged archives are refused or read within their bounds.
    func testFuzz() throws {
        let original = [UInt8](try Data(contentsOf: fixture("state.pth")))
        var state: UInt64 = 1
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var refused = 0
        try withTemporaryDirectory { directory in
            let scratch = try ScratchFile(in: directory)
            for trial in 0..<Self.trials {
                var bytes = original
                for _ in 0...below(4) {
                    switch below(4) {
                    case 0: bytes[below(bytes.count)] = UInt8(below(256))
                    case 1: bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
                    // The pickle and the directory, where the rules are.
                    case 2: bytes[64 + below(700)] = UInt8(below(256))
                    default: bytes[bytes.count - 1 - below(1200)] = [0, 0xFF, 0x7F, 0x80][below(4)]
                    }
                }
                if trial % 10 == 0 { bytes.removeLast(below(bytes.count)) }
                try scratch.replaceContents(with: bytes)
                do {
                    for tensor in try TorchArchive(path: scratch.url.path).tensors.values {
                        _ = tensor.doubles
                    }
                } catch {
                    XCTAssertTrue(error is ModelFilesError, "\(error)")
                    refused += 1
                }
            }
        }
        XCTAssertGreaterThan(refused, Self.trials / 3)
        XCTAssertLessThan(refused, Self.trials)
    }
}
