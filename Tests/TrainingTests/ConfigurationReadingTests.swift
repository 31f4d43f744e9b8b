import Foundation
import Training
import XCTest

final class ConfigurationReadingTests: XCTestCase {
    func testValuesAreRead() throws {
        let product = try RunConfiguration(yaml: Documents.product)
        XCTAssertEqual(product.kind, .product)
        XCTAssertEqual(product.seed, 7)
        XCTAssertEqual(product.dimension, 2)
        XCTAssertEqual(product.score, .analytic)
        XCTAssertEqual(product.models.map(\.name), ["left", "pair"])
        guard case .gaussian(let left) = product.models[0].source,
            case .mixture(let pair) = product.models[1].source
        else { return XCTFail("\(product.models)") }
        XCTAssertEqual(left.mean, [-1, -0.2])
        XCTAssertEqual(left.covariance, [[0.05, 0.01], [0.01, 0.05]])
        XCTAssertEqual(pair.map(\.weight), [0.25, 0.75])
        XCTAssertEqual(pair.map(\.gaussian.mean), [[0.6, 0.9], [0.6, -0.9]])
        XCTAssertEqual(pair.map(\.gaussian.covariance), [[[0.05, 0], [0, 0.05]], [[0.1, 0], [0, 0.1]]])
        XCTAssertEqual(product.training.steps, 60)
        XCTAssertEqual(product.training.gradientClip, 1)
        XCTAssertEqual(product.dual.initial, [0.5, 0.5])
        XCTAssertEqual(product.pretraining.learningRate, 1e-3)

        let alignment = try RunConfiguration(yaml: Documents.alignment)
        XCTAssertEqual(alignment.rewards.map(\.name), ["right", "ink", "symmetry"])
        XCTAssertEqual(
            alignment.rewards.map(\.function),
            [.linear([1, 0, 0, 0, 0, 0]), .mean, .mirror(width: 3, height: 2)])
        XCTAssertEqual(alignment.rewards.map(\.threshold), [0.5, 0.25, -0.5])
        XCTAssertEqual(alignment.rewards.map(\.direction), [.high, .low, .high])
        XCTAssertEqual(alignment.rewards.map(\.normalize), [.none, .base, .none])
        XCTAssertEqual(try RunConfiguration(yaml: Documents.mixture).constraint, .kl)
    }

    func testShortestDocuments() throws {
        let left = "{name: left, gaussian: {mean: [-1.0, -0.2], covariance: [[0.05, 0], [0, 0.05]]}}"
        let pair =
            "{name: pair, mixture: [{weight: 0.5, mean: [0.6, 0.9], covariance: [[0.05, 0], [0, 0.05]]}, "
            + "{weight: 0.5, mean: [0.6, -0.9], covariance: [[0.05, 0], [0, 0.05]]}]}"
        let rewards = "rewards: [{name: right, linear: [1.0, 0.0], threshold: 0.5}]"
        for (kind, models, rest) in [
            ("product", "[\(left), \(pair)]", ""), ("mixture", "[\(left), \(pair)]", ""),
            ("alignment", "[\(left)]", rewards), ("pretraining", "[\(pair)]", ""),
        ] {
            let configuration = try RunConfiguration(
                yaml: "kind: \(kind)\ndimension: 2\nmodels: \(models)\n\(rest)")
            XCTAssertEqual(configuration.kind.rawValue, kind)
            XCTAssertEqual(configuration.score, .learned)
            XCTAssertEqual(configuration.schedule.trainSteps, 200)
            XCTAssertEqual(configuration.schedule.betaStart, 0.0005)
            XCTAssertEqual(configuration.schedule.betaEnd, 0.1)
            XCTAssertEqual(configuration.sampling.steps, 200)
            XCTAssertEqual(configuration.sampling.eta, 1)
            XCTAssertEqual(configuration.evaluation.samples, 65_536)
            XCTAssertEqual(configuration.training.klCoefficient, 1)
            XCTAssertNil(configuration.training.steps)
            XCTAssertNil(configuration.dual.initial)
            XCTAssertEqual(try RunConfiguration(yaml: configuration.text), configuration)
        }
    }

    func testNumbersAndWords() throws {
        let configuration = try RunConfiguration(
            yaml: Documents.product,
            overrides: [
                "sampling.eta=1", "training.learning-rate=1E-4", "evaluation.samples=131_072",
                "seed=18446744073709551615",
                "schedule.kind=scaled-linear", "training.steps=null", "dual.initial=~", "dual.kappa_i=+.5",
            ])
        XCTAssertEqual(configuration.sampling.eta, 1)
        XCTAssertEqual(configuration.training.learningRate, 1e-4)
        XCTAssertEqual(configuration.evaluation.samples, 131_072)
        XCTAssertEqual(configuration.seed, .max)
        XCTAssertEqual(configuration.schedule.kind, .scaledLinear)
        XCTAssertNil(configuration.training.steps)
        XCTAssertNil(configuration.dual.initial)
        XCTAssertEqual(configuration.dual.kappaI, 0.5)
    }

    func testAliases() throws {
        let shared = Documents.mixture.replacing("[[0.02]]", with: "&wide [[0.5]]").replacing(
            "[[0.18]]", with: "*wide")
        let configuration = try RunConfiguration(yaml: shared + "# 3 * 4, *not an alias\n")
        guard case .gaussian(let large) = configuration.models[1].source else {
            return XCTFail("no Gaussian")
        }
        XCTAssertEqual(large.covariance, [[0.5]])
        let starred = try RunConfiguration(
            yaml: Documents.mixture, overrides: ["models[0]={name: s, samples: \"data/*a*.safetensors\"}"],
            directory: "/base", sampleFiles: .unchecked)
        XCTAssertEqual(starred.models[0].source, .samples(path: "/base/data/*a*.safetensors"))
    }

    func testSamplePathsStartFromTheDirectoryOfTheFile() throws {
        func path(_ text: String) throws -> RunConfiguration {
            try RunConfiguration(
                yaml: Documents.mixture, overrides: ["models[0]={name: s, samples: '\(text)'}"],
                directory: "/data/runs",
                sampleFiles: .unchecked)
        }
        for (text, expected) in [
            ("a.safetensors", "/data/runs/a.safetensors"), ("../a.safetensors", "/data/a.safetensors"),
            ("/x/a.safetensors", "/x/a.safetensors"),
            ("./b c/é \"q\".safetensors", "/data/runs/b c/é \"q\".safetensors"),
            ("12", "/data/runs/12"),
        ] {
            let configuration = try path(text)
            XCTAssertEqual(configuration.models[0].source, .samples(path: expected))
            let again = try RunConfiguration(
                yaml: configuration.text, directory: "/other", sampleFiles: .unchecked)
            XCTAssertEqual(again, configuration)
        }
    }

    func testOverrides() throws {
        let configuration = try RunConfiguration(
            yaml: Documents.mixture,
            overrides: [
                "training.steps=10", "training.steps=11", "seed = 3", "models[1].name=wide",
                "models[0].gaussian.mean[0]=0.25", "checkpoints={every: 5}", "dual.initial=[0.25, 0.75]",
            ])
        XCTAssertEqual(configuration.training.steps, 11)
        XCTAssertEqual(configuration.seed, 3)
        XCTAssertEqual(configuration.models.map(\.name), ["small", "wide"])
        guard case .gaussian(let small) = configuration.models[0].source else {
            return XCTFail("no Gaussian")
        }
        XCTAssertEqual(small.mean, [0.25])
        XCTAssertEqual(configuration.checkpoints.every, 5)
        XCTAssertEqual(configuration.dual.initial, [0.25, 0.75])
    }

    func testOverridesThatCannotBeApplied() {
        for (override, path, fragment) in [
            ("training.stps=10", "training.stps", "unknown key `stps`; did you mean `steps`?"),
            ("trainig.steps=10", "trainig", "did you mean `training`?"),
            ("training.steps=ten", "training.steps", "expected an integer ≥ 1, found `ten`"),
            ("training.steps", "", "expected key=value"), ("=3", "", "expected key=value"),
            ("models[x].name=a", "", "expected key=value"), ("models.[0]=a", "", "expected key=value"),
            ("models[2].name=a", "", "`models` has 2 elements, counted from 0"),
            ("models.name=a", "", "`models` is a list of 2, so it has no key `name`"),
            ("kind.x=a", "", "`kind` is `mixture`, so it has no key `x`"),
            ("kind[0]=a", "", "so it has no element [0]"),
            ("seed=[1", "", "the value is not valid YAML"),
            ("models[0].name=small/er", "models[0].name", "names files too"),
            (
                "models[0]={name: small, gaussian: {mean: [0, 0], covariance: [[1]]}}",
                "models[0].gaussian.mean", "has 2"
            ),
        ] {
            let problems = problems(of: Documents.mixture, set: [override])
            XCTAssertEqual(problems.map(\.path), [path], override)
            XCTAssertEqual(problems.first?.location, .override(override))
            XCTAssertTrue(problems.first?.message.contains(fragment) ?? false, "\(problems)")
        }
    }

    /// Any choice of values is read back from the resolved text.
    func testResolvedTextRoundTrips() throws {
        let choices = [
            "seed": ["0", "123456789012345678"], "score": ["learned", "analytic"],
            "schedule": ["{kind: cosine}", "{train_steps: 1000, beta_start: 1e-5}"],
            "sampling.eta": ["0", "0.3333333333333333"],
            "training.learning_rate": ["1e-7", "3", "1.2345678901234567e-300"],
            "training.steps": ["1", "null"],
            "dual.rule": ["adaptive", "ascent", "ema", "nupi", "simplex"],
            "dual.initial": ["[0.1, 0.9]", "null"],
            "dual.tolerance": ["1e20", "1e-20"], "mcmc.sampler": ["ula", "mala", "uhmc", "hmc"],
            "models[0].name": ["a.b-c_d", "'12'", "'true'", "'1e5'"], "checkpoints.every": ["0", "1"],
            "models[1].gaussian": ["{mean: [1e-320, -0.0], covariance: [[1e-9, 0], [0, 1e9]]}"],
        ]
        let base = Documents.product.replacing("mixture:", with: "#").replacing(
            "- {weight", with: "# {weight"
        )
        .replacing(
            "name: pair", with: "name: pair\n    gaussian: {mean: [0, 0], covariance: [[1, 0], [0, 1]]}")
        var generator = SeededGenerator(1)
        for _ in 0..<200 {
            let overrides = choices.sorted { $0.key < $1.key }.compactMap { key, values -> String? in
                Bool.random(using: &generator)
                    ? values.randomElement(using: &generator).map { "\(key)=\($0)" } : nil
            }
            let configuration = try RunConfiguration(yaml: base, overrides: overrides)
            let again = try RunConfiguration(yaml: configuration.text)
            XCTAssertEqual(again, configuration, "\(overrides)")
            XCTAssertEqual(again.text, configuration.text)
        }
    }

    func testResolvedTextIsStable() throws {
        let text = try RunConfiguration(yaml: Documents.mixture).text
        XCTAssertTrue(
            text.hasPrefix(
                """
                kind: mixture
                seed: 0
                dimension: 1
                score: learned
                models:
                  - name: small
                    gaussian:
                      mean: [0.0]
                      covariance: [[0.02]]
                  - name: large
                    gaussian:
                      mean: [3.0]
                      covariance: [[0.18]]
                constraint: kl
                schedule:
                  kind: linear
                  train_steps: 200
                  beta_start: 0.0005
                  beta_end: 0.1
                sampling:

                """), text)
        let shuffled = Documents.mixture.split(separator: "\n").filter { !$0.hasPrefix("kind") }.map(
            String.init)
        XCTAssertEqual(
            try RunConfiguration(yaml: (shuffled + ["kind: mixture"]).joined(separator: "\n")).text, text)
    }

    /// Damaged documents are refused or read, and what is read can be written.
    func testMutationsNeverCrash() throws {
        var generator = SeededGenerator(2)
        let pieces = [
            "", " ", "\n", "  ", "- ", "[", "]", "{", "}", ":", ": ", ",", "*", "&a ", "*a", "0", "-1",
            "1e400", ".nan", "null",
            "true", "\"", "'", "#", "|", ">", "!!str ", "? ", "<<: ", "---\n", "\u{0}", "é", "[]", "{}",
            "mean", "kind: mixture\n",
            "99999999999999999999", "\t", "%", "@", "`", "\r",
        ]
        var read = 0
        for round in 0..<4000 {
            var text = Documents.all[round % Documents.all.count]
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let start = text.index(
                    text.startIndex, offsetBy: .random(in: 0..<text.count, using: &generator))
                let end = text.index(
                    start, offsetBy: .random(in: 0...3, using: &generator), limitedBy: text.endIndex)
                text.replaceSubrange(
                    start..<(end ?? text.endIndex), with: pieces.randomElement(using: &generator) ?? "")
            }
            do {
                let configuration = try RunConfiguration(yaml: text, sampleFiles: .unchecked)
                XCTAssertEqual(
                    try RunConfiguration(yaml: configuration.text, sampleFiles: .unchecked), configuration)
                read += 1
            } catch let error as ConfigurationError {
                XCTAssertFalse(error.description.isEmpty)
            }
        }
        XCTAssertTrue((40...3000).contains(read), "\(read) of 4000 mutations were read")
    }
}
