import Layers
import Models
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// Outputs and gradients against diffusers and PEFT, on networks with projections of both kinds, uneven levels, odd
/// sizes and a time step for each row.
final class UNetTests: XCTestCase {
    /// Rounding in float over some 60 layers, measured at 4e-6 for outputs.
    private let outputTolerance = 2e-5
    /// Measured at 2e-5.
    private let gradientTolerance = 1e-4

    func testAsksForTheStateDictionary() throws {
        for name in UNetFixture.names {
            let fixture = try UNetFixture(name)
            let declared = ParameterSource.declarations {
                UNet2DConditionModel($0, fixture.configuration)
            }
            XCTAssertEqual(declared.count, fixture.stateShapes.count)
            XCTAssertEqual(
                Dictionary(uniqueKeysWithValues: declared.map { ($0.name, $0.shape.dimensions) }),
                fixture.stateShapes)
            XCTAssertEqual(
                Set(fixture.model().namedParameters.map(\.name)), Set(fixture.stateShapes.keys), name)
        }
    }

    func testOutputsOfBaseAndAdapters() throws {
        for name in UNetFixture.names {
            let (fixture, model) = try loaded(name)
            for (pass, adapters) in try passes(fixture, model) {
                let y = model(
                    try fixture.latents, timesteps: fixture.timesteps, context: try fixture.context,
                    adapters: adapters)
                assertCloseToScale(
                    y.channelsFirst, try fixture.reference("output.\(pass)"), outputTolerance,
                    "\(name), \(pass)")
            }
        }
    }

    /// Four groups of rows in one batch, one of them the base.
    func testEachGroupHasItsAdapters() throws {
        for name in UNetFixture.names {
            let (fixture, model) = try loaded(name)
            let passes = try passes(fixture, model)
            let repeated = { (x: Tensor) in Tensor.concatenated(passes.map { _ in x }) }
            let y = model(
                repeated(try fixture.latents), timesteps: passes.flatMap { _ in fixture.timesteps },
                context: repeated(try fixture.context), adapters: .perGroup(passes.map(\.pass)))
            let expected = Tensor.concatenated(
                try passes.map { try fixture.reference("output.\($0.name)") })
            assertCloseToScale(y.channelsFirst, expected, outputTolerance, name)
        }
    }

    func testGradients() throws {
        for name in UNetFixture.names {
            let (fixture, model) = try loaded(name)
            for isSegmented in [false, true] {
                try checkGradients(fixture, model, "\(name), segmented: \(isSegmented)") {
                    latents, context, adapters in
                    model(
                        latents, timesteps: fixture.timesteps, context: context,
                        adapters: .weighted(adapters), isSegmented: isSegmented)
                }
            }
        }
    }

    /// The base's rows add nothing to the adapters' gradients; the text's are the sum over the groups.
    func testGradientsOfOneGroup() throws {
        let (fixture, model) = try loaded("linear-projection")
        try checkGradients(fixture, model, "groups") {
            latents, context, adapters in
            let frozen = (latents.detached, context.detached)
            let y = model(
                Tensor.concatenated([frozen.0, latents]), timesteps: fixture.timesteps + fixture.timesteps,
                context: Tensor.concatenated([frozen.1, context]),
                adapters: .perGroup([.base, .weighted(adapters)]))
            return y.slice(latents.shape[0]..<(2 * latents.shape[0]))
        }
    }

    func testTwoByteWeightsComputeInFloat() throws {
        let fixture = try UNetFixture("conv-projection")
        let (latents, context) = (try fixture.latents, try fixture.context)
        for dtype in [DType.bfloat16, .float16] {
            let rounded = fixture.weights.mapValues { $0.cast(to: dtype) }
            let stored = UNet2DConditionModel(ParameterSource(rounded), fixture.configuration)
            let widened = UNet2DConditionModel(
                ParameterSource(rounded.mapValues { $0.cast(to: .float32) }), fixture.configuration)
            assertCloseToScale(
                stored(latents, timesteps: fixture.timesteps, context: context),
                widened(latents, timesteps: fixture.timesteps, context: context), 1e-5, dtype.name)
        }
    }

    /// Activations of two bytes, eight bits of mantissa through some 60 layers: diffusers in bf16 is 0.10 off here.
    func testTwoByteActivations() throws {
        let (fixture, _) = try loaded("conv-projection")
        let model = fixture.model(dtype: .bfloat16)
        let adapter = try fixture.adapter("first", of: model)
        let y = model(
            try fixture.latents.cast(to: .bfloat16), timesteps: fixture.timesteps,
            context: try fixture.context, adapters: .adapter(adapter))
        XCTAssertEqual(y.dtype, .bfloat16)
        assertCloseToScale(
            y.channelsFirst.cast(to: .float32), try fixture.reference("output.first"), 0.2)
    }

    /// Gated units are computed again rather than kept: at the finest level they alone have eight times its pixels.
    func testKeepsNoGatedUnits() throws {
        var level = UNetConfiguration.Level(
            channels: 32, layers: 1, hasAttentionDown: true, hasAttentionUp: true, context: 16)
        level.transformerLayers = 8
        let configuration = UNetConfiguration(levels: [level])
        let key = RandomKey(seed: 0, stream: 0)
        let model = UNet2DConditionModel(ParameterSource(random: Initializer(key: key)), configuration)
        let latents = Tensor.normal([1, 64, 64, 4], key: key.at(step: 1)).tracked()
        let context = Tensor.normal([1, 7, 16], key: key.at(step: 2))
        let allocator = CPUBackend.shared.allocator
        let before = allocator.statistics.inUse
        let y = model(latents, timesteps: [10], context: context)
        // 4 × 8 transformer blocks; a block keeps at most 11 activations, and would keep 8 more.
        let activation = 4 * 64 * 64 * 32
        XCTAssertLessThan(allocator.statistics.inUse - before, 4 * 8 * 12 * activation)
        XCTAssertTrue(y.isTracked)
    }

    func testFrozenBaseIsNotRecorded() throws {
        let (fixture, model) = try loaded("conv-projection")
        let y = model(try fixture.latents, timesteps: [10], context: try fixture.context)
        XCTAssertFalse(y.isTracked)
        XCTAssertTrue(model.parameters.allSatisfy { !$0.isTrainable })
    }

    // MARK: Support

    private func loaded(_ name: String) throws -> (UNetFixture, UNet2DConditionModel) {
        let fixture = try UNetFixture(name)
        return (fixture, fixture.model())
    }

    private func passes(
        _ fixture: UNetFixture, _ model: UNet2DConditionModel
    ) throws -> [(name: String, pass: AdapterPass)] {
        let adapters = try weighted(fixture, model)
        return [("base", .base), ("weighted", .weighted(adapters))]
            + zip(["first", "second"], adapters).map { ($0, .adapter($1.adapter)) }
    }

    private func weighted(
        _ fixture: UNetFixture, _ model: UNet2DConditionModel
    ) throws -> [(adapter: LoRAAdapter, weight: Double)] {
        try ["first", "second"].map { name in
            (try fixture.adapter(name, of: model), try XCTUnwrap(fixture.settings[name]).weight)
        }
    }

    private func checkGradients(
        _ fixture: UNetFixture, _ model: UNet2DConditionModel, _ label: String,
        _ predict: (Tensor, Tensor, [(adapter: LoRAAdapter, weight: Double)]) -> Tensor
    ) throws {
        let adapters = try weighted(fixture, model)
        let (latents, context) = (try fixture.latents.tracked(), try fixture.context.tracked())
        let y = predict(latents, context, adapters)
        let gradients = gradients(of: [(y, fixture.upstream(y))])
        func compare(_ actual: Tensor?, _ name: String) throws {
            assertCloseToScale(
                try XCTUnwrap(actual, "\(label): no \(name)"), try fixture.reference(name),
                gradientTolerance, "\(label), \(name)")
        }
        try compare(gradients[latents]?.channelsFirst, "gradient.latents")
        try compare(gradients[context], "gradient.context")
        for (name, adapter) in zip(["first", "second"], adapters) {
            for named in adapter.adapter.namedParameters {
                let reference = "\(name).\(named.name)"
                let shape = try fixture.reference(reference).shape.dimensions
                try compare(gradients[named.parameter.value]?.reshaped(shape), reference)
            }
        }
    }
}
