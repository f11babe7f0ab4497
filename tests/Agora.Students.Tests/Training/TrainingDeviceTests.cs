using Agora.Experiments;
using Agora.Students.Inference;
using Agora.Students.Training;
using TorchSharp;

namespace Agora.Tests.Training;

[Collection("torch")]
public sealed class TrainingDeviceTests
{
    [Fact]
    public void Auto_is_CUDA_where_libtorch_sees_a_device_and_the_CPU_elsewhere() =>
        Assert.Equal(TorchLibrary.Load().CudaDevices > 0 ? DeviceType.CUDA : DeviceType.CPU, TrainingDevice.Resolve("auto").type);

    [Fact]
    public void The_CPU_can_be_asked_for() => Assert.Equal(DeviceType.CPU, TrainingDevice.Resolve("cpu").type);

    [Fact]
    public void A_device_that_is_not_there_is_refused_before_anything_starts()
    {
        Assert.SkipWhen(TorchLibrary.HasCuda(), "this build has CUDA");
        var fault = Assert.Throws<AgoraException>(() => new SftTrainer(1).VersionFor(new StudentRecipe { Device = "cuda:1" }, "models"));
        Assert.Contains("its libtorch has no CUDA", fault.What, StringComparison.Ordinal);
        Assert.Contains("-p:AgoraTorch=cuda", fault.Fix, StringComparison.Ordinal);
        Assert.Equal(2, fault.ExitCode);
    }

    [Fact]
    public void What_trains_by_torchs_operations_keeps_its_version()
    {
        using var students = new TrainingStudents();
        Assert.Equal("4", new SftTrainer(1).VersionFor(new StudentRecipe { Device = "cpu" }, students.BaseModel));
        Assert.Equal("2", new SftTrainer(1).VersionFor(new StudentRecipe { Device = "cpu", Lora = new LoraSpec() }, students.BaseModel));
        Assert.Equal("2", new SftTrainer(1).VersionFor(new StudentRecipe { Device = "cpu", Precision = Precision.Bf16 }, students.BaseModel));
    }

    [Theory]
    [InlineData(78L << 30, 67000000000)]
    [InlineData(5L << 30, 3L << 30)]
    [InlineData(1L << 30, 0)]
    [InlineData(null, 4L << 30)]
    public void Keys_and_values_get_most_of_what_a_CUDA_device_has_free(long? free, long expected) => Assert.InRange(TorchModel.CudaCacheBytes(free), expected - 50_000_000, expected + 50_000_000);

    [Fact]
    public void The_machines_memory_is_known() => Assert.True(TrainingDevice.MemoryOf(torch.CPU) > 100_000_000);
}
