// swift-tools-version: 6.1
import PackageDescription

// One target per room; `docs/architecture.md` says what lives in each and who may import whom.
let package = Package(
    name: "saddle",
    products: [.executable(name: "saddle", targets: ["saddle"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // System libraries, each with a thin shim of `static inline` accessors for its macros.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        .target(name: "CKernels"),
        .target(name: "TensorCore", dependencies: ["COpenBLAS", "CKernels"]),
        .target(name: "Layers", dependencies: ["TensorCore"]),
        .target(name: "WeightFiles", dependencies: ["TensorCore"]),
        .target(name: "Models", dependencies: ["Layers", "WeightFiles", "TensorCore"]),
        .target(name: "Diffusion", dependencies: ["TensorCore"]),
        .target(name: "Rewards", dependencies: ["Models", "Layers", "WeightFiles", "TensorCore"]),
        .target(name: "ConstrainedLearning"),
        .target(name: "Distributed", dependencies: ["COpenMPI", "TensorCore"]),
        .target(name: "Checkpoints", dependencies: ["CHDF5", "CCrypto", "TensorCore"]),
        .target(name: "Telemetry", dependencies: ["CPNG"]),
        .target(
            name: "Training",
            dependencies: [
                "TensorCore", "Layers", "WeightFiles", "Models", "Diffusion", "Rewards",
                "ConstrainedLearning",
                "Distributed", "Checkpoints", "Telemetry", "Yams",
            ]),
        .executableTarget(
            name: "saddle",
            dependencies: [
                "Training", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .testTarget(name: "CKernelsTests", dependencies: ["CKernels"]),
        .target(name: "TestSupport", dependencies: ["TensorCore"], path: "Tests/TestSupport"),
        .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"]),
        .testTarget(
            name: "TensorCoreTests", dependencies: ["TensorCore", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "LayersTests", dependencies: ["Layers", "TestSupport"]),
        .testTarget(
            name: "WeightFilesTests", dependencies: ["WeightFiles", "TestSupport"],
            exclude: ["Safetensors/Fixtures", "LoRA/Fixtures", "Torch/Fixtures"]),
        .testTarget(
            name: "ModelsTests", dependencies: ["Models", "TestSupport"],
            exclude: [
                "CLIP/Fixtures", "CLIP/Joint/Fixtures", "CLIP/Text/Fixtures", "Autoencoder/Fixtures",
                "UNet/Fixtures",
            ]),
        .testTarget(
            name: "RewardsTests", dependencies: ["Rewards", "TestSupport"], exclude: ["Images/Fixtures"]),
        .testTarget(
            name: "DiffusionTests", dependencies: ["Diffusion", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "ConstrainedLearningTests", dependencies: ["ConstrainedLearning"]),
        .target(
            name: "DistributedBattery", dependencies: ["Distributed"], path: "Tests/DistributedBattery"),
        .executableTarget(
            name: "mpi-check", dependencies: ["Distributed", "DistributedBattery"],
            path: "Tests/mpi-check"),
        .testTarget(
            name: "DistributedTests", dependencies: ["Distributed", "DistributedBattery", "mpi-check"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "TestSupport"]),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], exclude: ["Fixtures"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"]),
        .executableTarget(
            name: "torture",
            dependencies: [
                "Checkpoints", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/torture"),
        .testTarget(
            name: "CommandTests",
            dependencies: ["saddle", "torture", "Checkpoints", "WeightFiles", "TestSupport"],
            exclude: ["Images/Fixtures", "Alignment/Fixtures", "Composition/Fixtures"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
