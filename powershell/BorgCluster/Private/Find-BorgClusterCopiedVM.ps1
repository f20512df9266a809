function Find-BorgClusterCopiedVM {
    <#
    .SYNOPSIS
    Finds the copy of a virtual machine that a restore registered on this node, by its notes; $null when there is none.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Mark
    )

    foreach ($vm in @(Hyper-V\Get-VM -ErrorAction Stop)) {
        $notes = [string] (Get-BorgClusterProperty -InputObject $vm -Name 'Notes')
        if ($Mark -in @($notes -split '\r?\n')) {
            return $vm
        }
    }
    return $null
}
