import Foundation
import Layers
import Models
import TensorCore
import TestSupport
import WeightFiles
import XCTest

/// What diffusers and PEFT compute (Fixtures/make_unets.py) and the same network here; images are channels first in
/// files, and compared so.
struct UNetFixture {
    static let names = ["conv-projection", "linear-projection"]

    struct AdapterSettings: Decodable {
        let r: Int
        let loraAlpha: Double
        let weight: Double
    }

    let file: SafetensorsFile
    let configuration: UNetConfiguration
    let timesteps: [Double]
    /// Names and shapes of the state dictionary.
    let stateShapes: [String: [Int]]
    let settings: [String: AdapterSettings]

    init(_ name: String) throws {
        let file = try SafetensorsFile(path: fixture("\(name).safetensors").path)
        func decoded<Value: Decodable>(_ key: String) throws -> Value {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Value.self, from: Data(XCTUnwrap(file.metadata[key]).utf8))
        }
        self.file = file
        configuration = try UNetConfiguration.of(json: XCTUnwrap(file.metadata["config"]))
        timesteps = try decoded("timesteps")
        stateShapes = try JSONDecoder().decode(
            [String: [Int]].self, from: Data(XCTUnwrap(file.metadata["names"]).utf8))
        settings = try decoded("adapters")
    }

    /// The weights of the state dictionary.
    var weights: [String: Tensor] {
        Self.filled(stateShapes.map { ($0.key, $0.value) })
    }

    func model(dtype: DType = .float32) -> UNet2DConditionModel {
        UNet2DConditionModel(ParameterSource(weights.mapValues { $0.cast(to: dtype) }), configuration)
    }

    func adapter(_ name: String, of model: UNet2DConditionModel) throws -> LoRAAdapter {
        let modules = try modules(name)
        return try LoRAAdapter(modules, adapting: model, isTrainable: true)
    }

    func modules(_ name: String) throws -> [String: LoRAModule] {
        let settings = try XCTUnwrap(settings[name])
        let names = file.entries.filter { $0.name.hasPrefix(name + ".") }.map {
            (String($0.name.dropFirst(name.count + 1)), $0.shape.dimensions)
        }
        let values = Self.filled(names)
        let paths = Set(
            names.map { $0.0.components(separatedBy: ".lora_")[0] })
        return try Dictionary(
            uniqueKeysWithValues: paths.map { path in
                let module = LoRAModule(
                    down: try XCTUnwrap(values[path + ".lora_A.weight"]),
                    up: try XCTUnwrap(values[path + ".lora_B.weight"]),
                    scale: settings.loraAlpha / Double(settings.r))
                return (path, module)
            })
    }

    var latents: Tensor {
        get throws {
            let shape = try reference("gradient.latents").shape.dimensions
            return Self.wave(shape, phase: 0.5).channelsLast
        }
    }

    var context: Tensor {
        get throws { Self.wave(try reference("gradient.context").shape.dimensions, phase: 1.5) }
    }

    func upstream(_ y: Tensor) -> Tensor {
        Self.wave(y.channelsFirst.shape.dimensions, phase: 9).channelsLast
    }

    func reference(_ name: String) throws -> Tensor { try file.tensor(name) }

    /// The generator's values, by name.
    private static func filled(_ names: [(String, [Int])]) -> [String: Tensor] {
        let sorted = names.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }
        return Dictionary(
            uniqueKeysWithValues: sorted.enumerated().map { phase, entry in
                let (name, shape) = entry
                let values = wave(shape, phase: Double(phase), dtype: .float64)
                guard shape.count > 1 else {
                    let shift = name.hasSuffix("weight") ? 1.0 : 0.0
                    return (name, values.affine(scale: 0.1, shift: shift).cast(to: .float32))
                }
                let inputs = Double(shape.dropFirst().reduce(1, *))
                return (name, (values / inputs.squareRoot()).cast(to: .float32))
            })
    }

    /// sin(0.7 i + 0.013 i² + phase).
    private static func wave(_ shape: [Int], phase: Double, dtype: DType = .float32) -> Tensor {
        let values = (0..<shape.reduce(1, *)).map { index in
            let i = Double(index)
            return sin(0.7 * i + 0.013 * i * i + phase)
        }
        return Tensor(values, shape: Shape(shape)).cast(to: dtype)
    }
}

extension UNetConfiguration {
    static func of(json: String) throws -> UNetConfiguration {
        try withTemporaryDirectory { directory in
            try json.write(
                to: directory.appendingPathComponent("config.json"), atomically: false, encoding: .utf8)
            return try UNetConfiguration(ComponentDirectory(path: directory.path))
        }
    }
}

/// max |x − ref| ≤ tolerance · max |ref|.
func assertCloseToScale(
    _ actual: Tensor, _ expected: Tensor, _ tolerance: Double, _ message: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    let scale = expected.doubles.map(abs).max() ?? 0
    assertClose(actual, expected, absolute: tolerance * scale, message, file: file, line: line)
}
