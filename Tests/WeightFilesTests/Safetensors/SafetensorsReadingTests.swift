import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Reads files of the reference library (`Fixtures/make_fixtures.py`).
final class SafetensorsReadingTests: XCTestCase {
    private func tensors() throws -> SafetensorsFile {
        try SafetensorsFile(path: fixture("tensors.safetensors").path)
    }

    private func foreign() throws -> SafetensorsFile {
        try SafetensorsFile(path: fixture("foreign.safetensors").path)
    }

    /// −1, −0.75, −0.5, …, as the generator makes it.
    private func ramp(_ shape: Shape, _ dtype: DType) -> Tensor {
        Tensor((0..<shape.elementCount).map { Double($0) / 4 - 1 }, shape: shape).cast(to: dtype)
    }

    func testReadsEveryTensorTypeAsStored() throws {
        let file = try tensors()
        assertIdentical(try file.tensor("zeta.weight"), ramp([2, 3], .float32))
        assertIdentical(try file.tensor("alpha"), ramp([5], .bfloat16))
        assertIdentical(try file.tensor("half"), ramp([3], .float16))
        assertIdentical(try file.tensor("double"), ramp([2, 2], .float64))
        assertIdentical(try file.tensor("index"), Tensor(indices: [3, -1, .max, .min]))
        assertIdentical(try file.tensor("scalar"), Tensor([Float(2.5)], shape: []))
        assertIdentical(try file.tensor("empty"), Tensor([Float](), shape: [0, 7]))
        assertIdentical(try file.tensor("na\"me\\with\té"), ramp([1], .float32))
    }

    func testListsEntriesInOrderOfTheirBytes() throws {
        let file = try tensors()
        XCTAssertEqual(file.entries.count, 8)
        XCTAssertEqual(file.entries.first?.name, "double")
        XCTAssertEqual(file.entries.map(\.range.lowerBound), file.entries.map(\.range.lowerBound).sorted())
        XCTAssertEqual(file["alpha"]?.type, .bfloat16)
        XCTAssertEqual(file["alpha"]?.shape, [5])
        XCTAssertNil(file["beta"])
        XCTAssertEqual(Array(file.metadata.keys), ["generator"])
    }

    func testConvertsToTheTypeAskedFor() throws {
        let file = try tensors()
        for name in ["zeta.weight", "alpha", "half", "double"] {
            let shape = try XCTUnwrap(file[name]).shape
            for dtype in [DType.float32, .bfloat16, .float16, .float64] {
                assertIdentical(try file.tensor(name, as: dtype), ramp(shape, dtype), "\(name) as \(dtype)")
            }
        }
        assertIdentical(
            try file.tensor("index", as: .float64),
            Tensor([3, -1, Double(Int32.max), Double(Int32.min)], shape: [4]))
    }

    func testNarrowsLongIntegersOrNamesTheOneThatDoesNotFit() throws {
        let file = try foreign()
        assertIdentical(
            try file.tensor("long"), Tensor(indices: [5, -6, .max, .min], shape: [2, 2]))
        assertIdentical(
            try file.tensor("long", as: .float64),
            Tensor([5, -6, Double(Int32.max), Double(Int32.min)], shape: [2, 2]))
        XCTAssertThrowsError(try file.tensor("too_long")) { error in
            XCTAssertEqual(
                error as? SafetensorsError,
                .integerOutOfRange(file: file.path, tensor: "too_long", index: 1, value: 1 << 31))
        }
    }

    func testGivesRawBytesOfEveryType() throws {
        let file = try foreign()
        XCTAssertEqual(try file.withBytes(of: "byte") { Array($0) }, [0, 255, 7])
        XCTAssertEqual(try file.withBytes(of: "flag") { Array($0) }, [1, 0, 1])
        XCTAssertEqual(file["float8"]?.type, .float8E4M3)
        XCTAssertEqual(try file.withBytes(of: "float8") { $0.count }, 4)
        XCTAssertEqual(
            try file.withBytes(of: "complex") { Array($0.bindMemory(to: Float.self)) }, [1, 2])
    }

    func testRefusesTypesWithoutTensors() throws {
        let foreign = try foreign()
        for name in ["byte", "flag", "float8", "complex"] {
            XCTAssertThrowsError(try foreign.tensor(name)) { error in
                guard case SafetensorsError.unsupportedType(_, name, _, _) = error else {
                    return XCTFail("\(error)")
                }
            }
        }
        let tensors = try tensors()
        XCTAssertThrowsError(try tensors.tensor("alpha", as: .int32)) { error in
            XCTAssertEqual(
                error as? SafetensorsError,
                .unsupportedType(
                    file: tensors.path, tensor: "alpha", expected: "integers (I32, I64)", found: "BF16"))
        }
    }

    func testNamesAMissingTensorAndWhatThereIs() throws {
        let file = try tensors()
        XCTAssertThrowsError(try file.tensor("beta")) { error in
            XCTAssertEqual(
                "\(error)",
                "\(file.path): has no tensor \"beta\"; it has 8: \"double\", \"empty\", \"na\"me\\with\té\", …."
                    + " Check that this is the right file for this model.")
        }
    }

    func testViewsTheFileWithoutCopying() throws {
        let file = try tensors()
        let mapped = try file.withBytes(of: "double") { $0.baseAddress }
        XCTAssertEqual(try file.tensor("double").withHostBytes { $0.baseAddress }, mapped)
        XCTAssertNotEqual(try file.tensor("double", copying: true).withHostBytes { $0.baseAddress }, mapped)
        assertIdentical(try file.tensor("double", copying: true), try file.tensor("double"))
    }

    func testAViewOutlivesItsFile() throws {
        let view = try withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("short-lived.safetensors").path
            try SafetensorsFile.write(["x": ramp([4096], .float32)], to: path)
            return try SafetensorsFile(path: path).tensor("x")
        }
        assertIdentical(view, ramp([4096], .float32))
    }

    func testCopiesMisalignedTensors() throws {
        for shift in 1...7 {
            let padding = Array(repeating: UInt8(ascii: " "), count: shift)
            let values: [Double] = [1, -2.5, 1e-300]
            let header = Array(#"{"x":{"dtype":"F64","shape":[3],"data_offsets":[0,24]}}"#.utf8) + padding
            let data = values.withUnsafeBytes { Array($0) }
            try withFile(header: header, data: data) { path in
                assertIdentical(
                    try SafetensorsFile(path: path).tensor("x"), Tensor(values, shape: [3]), "\(shift)")
            }
        }
    }
}
