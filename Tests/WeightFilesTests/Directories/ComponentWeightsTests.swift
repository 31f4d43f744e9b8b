import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Strict loading: everything a model needs, nothing else, one message for all that is wrong.
final class ComponentWeightsTests: XCTestCase {
    private func weights(
        _ tensors: [String: Tensor], naming: WeightNaming = .plain, _ body: (ComponentWeights) throws -> Void
    ) throws {
        try withModelFolder { folder in
            try folder.write(tensors, to: "model.safetensors")
            try body(try folder.component.weights(naming: naming))
        }
    }

    func testConvertsEveryStoredTypeToTheOneAskedFor() throws {
        let stored: [DType] = [.float32, .float16, .bfloat16, .float64]
        let tensors = Dictionary(
            uniqueKeysWithValues: stored.map { ($0.name, randomTensor([3, 5], seed: 1, dtype: $0)) })
        try weights(tensors) { weights in
            let expected = weights.names.map { (name: $0, shape: Shape([3, 5])) }
            for dtype in [DType.float32, .bfloat16, .float16] {
                for (name, tensor) in try weights.load(expected, as: dtype) {
                    assertIdentical(tensor, try XCTUnwrap(tensors[name]).cast(to: dtype), name)
                }
            }
            for (name, tensor) in try weights.load(expected, as: nil) {
                assertIdentical(tensor, try XCTUnwrap(tensors[name]), name)
            }
        }
    }

    func testNamesAllThatIsWrongAtOnce() throws {
        let tensors = [
            "fits": randomTensor([2], seed: 1), "turned": randomTensor([2, 3], seed: 2),
            "extra.1": randomTensor([1], seed: 3), "extra.0": randomTensor([1], seed: 3),
            "integers": Tensor(indices: [1, 2]),
        ]
        try weights(tensors) { weights in
            let expected: [(String, Shape)] = [
                ("fits", [2]), ("turned", [3, 2]), ("absent", [1]), ("integers", [2]),
            ]
            assertFails(
                try weights.load(expected, as: nil),
                "\(weights.path): the tensors do not fit the model: 1 missing: absent; 2 unexpected: extra.0,"
                    + " extra.1; 1 of another shape: turned (expected [3, 2], found [2, 3]); 1 of another type:"
                    + " integers (I32). Check that the file and config.json are of the same model.")
        }
    }

    func testCutsLongLists() throws {
        let names = (10..<30).map { "layer.\($0)" }
        try weights(["x": randomTensor([1], seed: 1)]) { weights in
            XCTAssertThrowsError(try weights.load(names.map { ($0, [1]) }, as: nil)) { error in
                guard case ModelFilesError.mismatch(let mismatch) = error else { return XCTFail("\(error)") }
                XCTAssertEqual(mismatch.missing, names)
                XCTAssertEqual(mismatch.unexpected, ["x"])
                XCTAssertTrue(
                    "\(error)".contains(
                        "20 missing: layer.10, layer.11, layer.12, layer.13, layer.14, layer.15, and 14 more;"
                    ),
                    "\(error)")
            }
        }
    }

    func testRefusesNumbersThatAreNotFinite() throws {
        let tensors = [
            "nan": Tensor([Float(1), .nan], shape: [2]),
            "infinite": Tensor([Float(1), -.infinity], shape: [2]),
            "large": Tensor([Double(1), 1e6], shape: [2]), "fine": Tensor([Float(1), 2], shape: [2]),
        ]
        try weights(tensors) { weights in
            let expected = weights.names.map { (name: $0, shape: Shape([2])) }
            for (dtype, names) in [
                (DType.float32, "2 not finite: infinite, nan."),
                (.float16, "3 not finite: infinite, large, nan."),
            ] {
                XCTAssertThrowsError(try weights.load(expected, as: dtype)) { error in
                    XCTAssertTrue("\(error)".contains(names), "\(error)")
                }
            }
        }
    }

    func testAutoencoderNamesOldAndNew() throws {
        let block = "encoder.mid_block.attentions.0."
        let current = ["to_q", "to_k", "to_v", "to_out.0"].map { block + $0 }
        let expected = current.flatMap { name in
            [(name: name + ".weight", shape: Shape([4, 4])), (name: name + ".bias", shape: Shape([4]))]
        }
        for (names, shape) in [
            (["to_q", "to_k", "to_v", "to_out.0"], Shape([4, 4])),
            (["query", "key", "value", "proj_attn"], [4, 4]),
            (["query", "key", "value", "proj_attn"], [4, 4, 1, 1]),
        ] {
            var tensors: [String: Tensor] = [:]
            for (index, name) in names.enumerated() {
                tensors["\(block)\(name).weight"] = randomTensor(shape, seed: UInt64(index))
                tensors["\(block)\(name).bias"] = randomTensor([4], seed: UInt64(10 + index))
            }
            try weights(tensors, naming: .autoencoder) { weights in
                let loaded = try weights.load(expected, as: nil)
                for (index, name) in current.enumerated() {
                    assertIdentical(
                        try XCTUnwrap(loaded[name + ".weight"]), randomTensor([4, 4], seed: UInt64(index)),
                        name)
                    assertIdentical(
                        try XCTUnwrap(loaded[name + ".bias"]), randomTensor([4], seed: UInt64(10 + index)),
                        name)
                }
            }
        }
    }

    func testOnlyAttentionMayBeStoredAsAConvolution() throws {
        let tensors = ["decoder.mid_block.linear.weight": randomTensor([4, 4, 1, 1], seed: 1)]
        try weights(tensors, naming: .autoencoder) { weights in
            XCTAssertThrowsError(try weights.load([("decoder.mid_block.linear.weight", [4, 4])], as: nil))
        }
        // `key` is an old name in an attention block alone.
        try weights(["decoder.key.weight": randomTensor([4], seed: 1)], naming: .autoencoder) { weights in
            XCTAssertEqual(weights.names, ["decoder.key.weight"])
        }
    }

    func testTextEncoderWithAndWithoutItsUpperLevel() throws {
        let canonical: [(name: String, shape: Shape)] = [
            ("text_model.embeddings.token_embedding.weight", [5, 2]),
            ("text_model.encoder.layers.0.self_attn.q_proj.weight", [2, 2]),
            ("text_model.final_layer_norm.bias", [2]),
        ]
        for level in ["text_model.", ""] {
            var tensors = [level + "embeddings.position_ids": Tensor(indices: [0, 1, 2])]
            for (name, shape) in canonical {
                tensors[level + name.dropFirst("text_model.".count)] = randomTensor(shape, seed: 7)
            }
            try weights(tensors, naming: .clipText) { weights in
                for (name, tensor) in try weights.load(canonical, as: nil) {
                    assertIdentical(tensor, randomTensor(tensor.shape, seed: 7), name)
                }
            }
        }
    }

    func testRefusesOneTensorUnderTwoNames() throws {
        let block = "decoder.mid_block.attentions.0."
        let tensors = ["query", "to_q"].map { ("\(block)\($0).bias", randomTensor([4], seed: 1)) }
        try withModelFolder { folder in
            try folder.write(Dictionary(uniqueKeysWithValues: tensors), to: "model.safetensors")
            let file = "\(folder.path)/model.safetensors"
            assertFails(
                try folder.component.weights(naming: .autoencoder),
                "\(file): \(block)to_q.bias is stored twice, as \(block)query.bias in \(file) and as"
                    + " \(block)to_q.bias in \(file). Correct it, or download or export the file again.")
        }
    }
}
