function Clear-BorgClusterPlannedVM {
    <#
    .SYNOPSIS
    Destroys the planned virtual machine that a comparison left behind.
    .DESCRIPTION
    Remove-VM takes the planned machine of the report. Where it refuses, the machine is looked up through WMI by its id:
    Get-VM does not list planned ones.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    try {
        $null = Hyper-V\Remove-VM -VM $VM -Force -Confirm:$false -ErrorAction Stop
        return
    } catch {
        Write-Verbose -Message "Remove-VM does not take the planned machine: $_"
    }
    foreach ($planned in @(Get-BorgClusterPlannedSystem -VMId ([guid] [string] $VM.Id))) {
        $service = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemManagementService'
        $argument = @{ AffectedSystem = $planned }
        $null = Invoke-BorgClusterMethod -InputObject $service -MethodName 'DestroySystem' -Argument $argument
    }
}
