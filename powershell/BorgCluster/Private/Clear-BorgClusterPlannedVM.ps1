function Clear-BorgClusterPlannedVM {
    <#
    .SYNOPSIS
    Destroys the planned virtual machine that a comparison left behind.
    .DESCRIPTION
    WMI has a class of its own for planned machines, so that no other can be meant. Remove-VM takes a planned machine too, but
    is only tried where WMI does not answer and no machine of that id is registered.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    $id = [guid] [string] $VM.Id
    try {
        foreach ($planned in @(Get-BorgClusterPlannedSystem -VMId $id)) {
            $service = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemManagementService'
            $argument = @{ AffectedSystem = $planned }
            $null = Invoke-BorgClusterMethod -InputObject $service -MethodName 'DestroySystem' -Argument $argument
        }
    } catch {
        Write-Verbose -Message "WMI does not destroy the planned machine: $_"
        if ($null -ne (Find-BorgClusterVM -VMId $id)) {
            throw
        }
        $null = Hyper-V\Remove-VM -VM $VM -Force -Confirm:$false -ErrorAction Stop
    }
}
