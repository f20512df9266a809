function Register-BorgClusterVMCopy {
    <#
    .SYNOPSIS
    Registers a copy of a virtual machine on this node, under a new id and another name.
    .DESCRIPTION
    The files are used where they lie: each disk is the one file of its name below the copy's folder, never one of the original's.
    All network adapters are disconnected. The notes of the copy carry the restore: a copy that it registered before is answered.
    .PARAMETER Path
    Full path of the copy's .vmcx file.
    .PARAMETER VMId
    The id of the virtual machine that it is a copy of.
    .PARAMETER Name
    The name of the copy.
    .PARAMETER RestoreId
    The id of the restore.
    .EXAMPLE
    Register-BorgClusterVMCopy -Path $vmcx -VMId $id -Name 'web01 (copy)' -RestoreId $restore
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [ValidatePattern('\.vmcx$')]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Name,

        [Parameter(Mandatory)]
        [guid]
        $RestoreId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $file = Resolve-BorgClusterPath -Path $Path
    $mark = 'borg-cluster restore ' + $RestoreId.ToString('D')
    $id = $null
    $findings = @()
    $vm = Find-BorgClusterCopiedVM -Mark $mark
    if ($null -ne $vm) {
        $id = ConvertTo-BorgClusterId -Value $vm.Id
    } elseif ($PSCmdlet.ShouldProcess($file, "Register a copy of $VMId as '$Name'")) {
        $copy = Import-BorgClusterVMCopy -VMId $VMId -Path $file -Name $Name -Mark $mark
        $id = $copy['Id']
        $findings = @($copy['Findings'])
    }
    $registered = $null -ne $id
    if (-not $registered) {
        $id = $VMId.ToString('D')
    }
    $answer = [ordered]@{
        vm_id = $id
        registered = $registered
        incompatibilities = $findings
        state = Get-BorgClusterVMStateFact -VMId $id
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
