using Agora.Experiments;
using Agora.Students.Inference;

namespace Agora.Tests.Inference;

[Collection("torch")]
public sealed class DeviceChoiceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public DeviceChoiceTests() => RandomModel.Write(folder.Path);

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    [InlineData("CPU")]
    public void A_device_is_auto_the_cpu_or_a_cuda_device_by_its_number(string text)
    {
        var fault = Assert.Throws<AgoraException>(() => DeviceChoice.Check(text, "--device"));
        Assert.Equal((2, "--device"), (fault.ExitCode, fault.Where));
        Assert.Equal("cuda:3", DeviceChoice.Check("cuda:3", "--device"));
    }

    [Fact]
    public void On_the_cpu_the_managed_kernels_compute()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1, device: DeviceChoice.Cpu);
        Assert.Equal("managed kernels, float32, 1 threads", engine.Description);
    }

    [Fact]
    public void A_cuda_device_that_is_not_there_is_an_error_and_never_the_cpu()
    {
        // That number is nowhere, whatever machine this runs on.
        var fault = Assert.Throws<AgoraException>(() => InferenceEngine.Load(folder.Path, threads: 1, device: "cuda:999"));
        Assert.Contains("the device is cuda:999", fault.What, StringComparison.Ordinal);
        Assert.Equal(2, fault.ExitCode);
    }

    [Theory]
    [InlineData(8_000_000_000, 64L << 30, true)]
    [InlineData(8_000_000_000, 48L << 30, false)]
    public void Weights_that_would_take_more_than_half_of_the_memory_do_not_fit_in_float32(long parameters, long memory, bool fits) =>
        Assert.Equal(fits, DeviceChoice.FitsInFloat32(parameters, memory));
}
