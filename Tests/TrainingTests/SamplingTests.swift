import Foundation
import TensorCore
import TestSupport
import Training
import WeightFiles
import XCTest

final class SamplingTests: XCTestCase {
    /// A model file of one Gaussian, N(mean, [[2, 0.6], [0.6, 0.5]]).
    private func writeModel(to path: String, mean: [Double] = [3, -1]) throws {
        let betas = (0..<20).map { "\(0.001 + 0.01 * Double($0))" }.joined(separator: ",")
        try SafetensorsFile.write(
            [
                "mixture/weights": Tensor([1] as [Double], shape: [1]),
                "mixture/0/mean": Tensor(mean, shape: [2]),
                "mixture/0/covariance": Tensor([2, 0.6, 0.6, 0.5] as [Double], shape: [2, 2]),
            ],
            metadata: [
                "saddle_vector_model": """
                {"format":1,"dimension":2,"betas":[\(betas)],"center":[0,0],"scale":1,"sampling_steps":20,\
                "eta":1,"score":"mixture","is_corrected":false,"has_slopes":false,\
                "hidden":0,"blocks":0,"widening":0,"embedding":0,"components":1}
                """
            ], to: path)
    }

    /// What a damaged file may say of itself must not end the process.
    func testImpossibleModelsAreRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory.path)/model.safetensors"
            try writeModel(to: path)
            let good = try Data(contentsOf: URL(fileURLWithPath: path))
            // The same lengths, so that the header stays whole.
            for (key, changed) in [
                (#"dimension\":2"#, #"dimension\":3"#), (#"dimension\":2"#, #"dimension\":0"#),
                (#"steps\":20"#, #"steps\":99"#), (#"eta\":1"#, #"eta\":7"#),
                (#"components\":1"#, #"components\":0"#), (#"components\":1"#, #"components\":2"#),
            ] {
                let place = try XCTUnwrap(good.range(of: Data(key.utf8)), key)
                try good.replacing(place, with: changed).write(to: URL(fileURLWithPath: path))
                XCTAssertThrowsError(
                    try writeSamples(of: path, count: 1, seed: 0, to: directory.path), changed
                ) { XCTAssertEqual(exitCode(for: $0), 65, "\($0)") }
            }
        }
    }

    private func samples(_ directory: URL, _ count: Int, seed: UInt64) throws -> [Float] {
        let output = directory.appendingPathComponent("out-\(count)-\(seed)").path
        let file = try writeSamples(of: directory.path, count: count, seed: seed, to: output)
        XCTAssertEqual(file, "\(output)/samples.safetensors")
        let stored = try SafetensorsFile(path: file)
        XCTAssertEqual(stored.metadata["seed"], "\(seed)")
        let tensor = try stored.tensor("samples")
        XCTAssertEqual(tensor.shape, [count, 2])
        XCTAssertFalse(
            FileManager.default.fileExists(atPath: "\(output)/samples.png"), "no image has 2 pixels")
        return tensor.floats
    }

    func testSamplesHaveTheMomentsOfTheModel() throws {
        try withTemporaryDirectory { directory in
            try writeModel(to: "\(directory.path)/model.safetensors")
            let count = 40_000
            let values = try samples(directory, count, seed: 5).map(Double.init)
            let rows = (0..<count).map { (values[2 * $0], values[2 * $0 + 1]) }
            let mean = rows.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
            let (x, y) = (mean.0 / Double(count), mean.1 / Double(count))
            let products = rows.reduce(into: [0.0, 0, 0]) { sum, row in
                sum[0] += (row.0 - x) * (row.0 - x) / Double(count)
                sum[1] += (row.0 - x) * (row.1 - y) / Double(count)
                sum[2] += (row.1 - y) * (row.1 - y) / Double(count)
            }
            // Four standard errors of the mean and of the variance of the wider coordinate.
            assertClose([x, y], [3, -1], absolute: 0.03)
            assertClose(products, [2, 0.6, 0.5], absolute: 0.06)
        }
    }

    func testASampleDependsOnSeedAndIndexAlone() throws {
        try withTemporaryDirectory { directory in
            try writeModel(to: "\(directory.path)/model.safetensors")
            let many = try samples(directory, 150, seed: 1)
            XCTAssertEqual(try samples(directory, 7, seed: 1), Array(many.prefix(14)))
            XCTAssertNotEqual(try samples(directory, 7, seed: 2), Array(many.prefix(14)))
        }
    }

    func testMissingModelsAreNamed() throws {
        try withTemporaryDirectory { directory in
            func refused(_ model: String, code: Int32, _ words: String...) {
                XCTAssertThrowsError(
                    try writeSamples(of: model, count: 1, seed: 0, to: directory.path + "/out")
                ) { error in
                    XCTAssertEqual(exitCode(for: error), code, "\(error)")
                    for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)") }
                }
            }
            refused("\(directory.path)/none", code: 66, "no such file", "--model")
            refused(directory.path, code: 66, "no model.safetensors", "--resume latest")
            try writeModel(to: "\(directory.path)/model-b.safetensors")
            try writeModel(to: "\(directory.path)/model-a.safetensors")
            refused(
                directory.path, code: 66,
                "\(directory.path)/model-a.safetensors, \(directory.path)/model-b.safetensors")
            try SafetensorsFile.write(
                ["x": Tensor([1] as [Float], shape: [1])], to: "\(directory.path)/model.safetensors")
            refused(directory.path, code: 65, "no vector model")
            try writeModel(to: "\(directory.path)/model.safetensors")
            try Data().write(to: directory.appendingPathComponent("out"))
            refused(directory.path, code: 73, "out")
        }
    }
}

extension Data {
    fileprivate func replacing(_ range: Range<Int>, with text: String) -> Data {
        var copy = self
        copy.replaceSubrange(range, with: Data(text.utf8))
        return copy
    }
}
