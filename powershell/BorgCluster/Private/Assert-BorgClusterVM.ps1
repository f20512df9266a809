function Assert-BorgClusterVM {
    <#
    .SYNOPSIS
    Finds a virtual machine that is registered on this node, or fails: for what makes no sense without it.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $vm = Find-BorgClusterVM -VMId $VMId
    if ($null -eq $vm) {
        $record = @{
            ErrorId = 'BorgClusterVMNotRegistered'
            Category = 'ObjectNotFound'
            Message = "The virtual machine $VMId is not registered on $([System.Environment]::MachineName)."
            TargetObject = $VMId
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    return $vm
}
