function Register-BorgClusterVM {
    <#
    .SYNOPSIS
    Registers the files of a virtual machine on this node, in place and under their own id.
    .DESCRIPTION
    An adapter whose switch is missing is disconnected, a medium that is missing is ejected, and the answer says so. Anything
    else that does not fit stops the registration: then registered is false, the findings are listed, and nothing is left behind.
    A machine that is registered from this path is fine; from another one it fails with BorgClusterVMRegisteredElsewhere. With
    Source and Destination its disks are used where they lie now, and what else Hyper-V writes for it goes to its own folder.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Path
    The full path of the .vmcx.
    .PARAMETER Source
    Full paths of disks as the configuration has them, if they lie elsewhere now.
    .PARAMETER Destination
    As many full paths: where each of them lies.
    .EXAMPLE
    Register-BorgClusterVM -VMId $id -Path "C:\ClusterStorage\Volume1\web01\Virtual Machines\$id.vmcx"
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidatePattern('\.vmcx$')]
        [string]
        $Path,

        [ValidateNotNullOrEmpty()]
        [string[]]
        $Source,

        [ValidateNotNullOrEmpty()]
        [string[]]
        $Destination
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $file = Resolve-BorgClusterPath -Path $Path
    $drives = @()
    if ($PSBoundParameters.ContainsKey('Source') -or $PSBoundParameters.ContainsKey('Destination')) {
        $drives = @(Resolve-BorgClusterPair -Source @($Source) -Destination @($Destination))
    }
    $findings = @()
    $vm = Find-BorgClusterVM -VMId $VMId
    if ($null -ne $vm) {
        $current = Get-BorgClusterConfigurationPath -VM $vm
        if (-not (Test-BorgClusterSamePath -Path $current -Other $file)) {
            $record = @{
                ErrorId = 'BorgClusterVMRegisteredElsewhere'
                Category = 'ResourceExists'
                Message = "The virtual machine $VMId is registered from '$current'."
                TargetObject = $VMId
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
    } elseif ($PSCmdlet.ShouldProcess($file, 'Register the virtual machine')) {
        $findings = @(Import-BorgClusterVM -VMId $VMId -Path $file -Drive $drives)
    }
    $state = Get-BorgClusterVMStateFact -VMId $VMId
    $answer = [ordered]@{
        vm_id = $VMId.ToString('D')
        registered = $null -ne $state['registration']
        incompatibilities = $findings
        state = $state
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
